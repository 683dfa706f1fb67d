/**
 * What TLS sessions of the listener begin with. A certificate is loaded beside the sessions and swapped in once it is
 * whole: one that is renewed, changed or broken never takes away the one in use (RFC 3207 §4: 454 is for what is
 * unavailable, not for what is being read).
 */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Settings } from '../../shared/settings.ts';
import type { Log } from '../log/log-port.ts';
import type { Clock } from '../runtime/clock.ts';
import { within } from '../runtime/within.ts';
import {
  EXPIRES_SOON_MS,
  PairError,
  expiryOf,
  loadTlsPair,
  tlsFiles,
  type TlsFiles,
  type TlsPair,
} from './certificate.ts';

/** Files are checked this often at most, when a client asks for TLS. */
const CHECK_AGAIN_MS = 10_000;
/** And this often when none does: a broken file is reported before it is needed. */
const CHECK_ANYWAY_MS = 5 * 60_000;
/** STARTTLS waits no longer than this for files (a network drive may be gone): the certificate in use is used on. */
const WAIT_MS = 10_000;

/** Why the certificate that the settings name is not in use. */
export interface CertificateTrouble {
  /** See PairError; `broken` also if TLS takes neither for another reason. */
  readonly reason: 'unreadable' | 'mismatch' | 'broken';
  /** The file that the trouble is with; the certificate's where that is not known. */
  readonly file: string;
}

export interface ListenerTls {
  /** Contexts by server name, as npm smtp-server keeps them: `*` or nothing. Shared by all servers of the listener. */
  readonly contexts: Map<string, SecureContext>;
  /** Takes over the settings. The certificate that they name is loaded unless it is in use already. */
  want(tls: Settings['server']['tls']): void;
  /** True if TLS can begin, after what is being loaded; files that changed are loaded first. Never rejects. */
  ready(): Promise<boolean>;
  close(): void;
}

export interface ListenerTlsOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Folder of the own pair; undefined: only the user's files can be used. */
  readonly directory: string | undefined;
  /** Name for an own certificate. */
  readonly hostname: () => string;
  /** Called when the trouble with the certificate changes; null: there is none. */
  readonly onTrouble: (trouble: CertificateTrouble | null) => void;
}

interface TlsState {
  readonly options: ListenerTlsOptions;
  readonly contexts: Map<string, SecureContext>;
  wanted: TlsFiles | null;
  /** What is in use: state of its files, digest of their contents, when it has to be made anew. */
  used: { readonly print: string; readonly digest: string; readonly renewAt: number } | null;
  loading: Promise<void> | null;
  /** Goes up with every load that begins: what an older one brings is thrown away. */
  round: number;
  /** Of loads in a row. */
  failures: number;
  trouble: CertificateTrouble | null;
  /** Monotonic ms. */
  checkedAt: number;
  cancelCheck: (() => void) | null;
}

export function createListenerTls(options: ListenerTlsOptions): ListenerTls {
  const contexts = new Map<string, SecureContext>();
  const state: TlsState = {
    options,
    contexts,
    wanted: null,
    used: null,
    loading: null,
    round: 0,
    failures: 0,
    trouble: null,
    checkedAt: Number.NEGATIVE_INFINITY,
    cancelCheck: null,
  };
  return {
    contexts,
    want(tls) {
      const files = tlsFiles(tls, options.directory);
      if (files === null) {
        stop(state);
        state.wanted = null;
        state.used = null;
        contexts.clear();
        setTrouble(state, null);
        return;
      }
      const { wanted, loading, used, trouble } = state;
      const same = wanted !== null && wanted.cert === files.cert && wanted.key === files.key;
      if (same && (loading !== null || (used !== null && trouble === null))) return;
      state.wanted = files;
      state.failures = 0;
      begin(state, files, false);
      if (state.cancelCheck === null) scheduleCheck(state);
    },
    async ready() {
      await within(
        options.clock,
        WAIT_MS,
        check(state).then(() => state.loading),
      );
      return contexts.has('*');
    },
    close: () => {
      stop(state);
    },
  };
}

function stop(state: TlsState): void {
  state.round += 1;
  state.loading = null;
  state.cancelCheck?.();
  state.cancelCheck = null;
}

function setTrouble(state: TlsState, next: CertificateTrouble | null): void {
  const { trouble, options } = state;
  if (trouble?.reason === next?.reason && trouble?.file === next?.file) return;
  state.trouble = next;
  options.onTrouble(next);
}

/** Loads what changed since it was put into use. */
async function check(state: TlsState): Promise<void> {
  const { wanted: files, options } = state;
  const { clock } = options;
  if (files === null || state.loading !== null || clock.monotonic() - state.checkedAt < CHECK_AGAIN_MS) return;
  state.checkedAt = clock.monotonic();
  const { round } = state;
  const print = await printOf(files);
  // Another load that began meanwhile has its own round.
  if (round !== state.round) return;
  const { used } = state;
  if (print === used?.print && clock.now() < used.renewAt) {
    // The files are those in use, or were put back to them.
    state.failures = 0;
    setTrouble(state, null);
  } else begin(state, files, used !== null);
}

function scheduleCheck(state: TlsState): void {
  state.cancelCheck = state.options.clock.after(CHECK_ANYWAY_MS, () => {
    scheduleCheck(state);
    void check(state);
  });
}

/** @param patient files that were in order may be between their old and their new content: reported when it stays so */
function begin(state: TlsState, files: TlsFiles, patient: boolean): void {
  state.round += 1;
  state.checkedAt = state.options.clock.monotonic();
  const done = load(state, files, state.round, patient).finally(() => {
    if (state.loading === done) state.loading = null;
  });
  state.loading = done;
}

async function load(state: TlsState, files: TlsFiles, round: number, patient: boolean): Promise<void> {
  const { hostname, clock, log } = state.options;
  try {
    // Before they are read: a file that changes meanwhile is read again.
    const print = await printOf(files);
    const pair = await loadTlsPair(files, { hostname: hostname(), now: clock.now() });
    if (round !== state.round) return;
    putIntoUse(state, files, pair, print);
    state.failures = 0;
    setTrouble(state, null);
  } catch (error) {
    if (round !== state.round) return;
    state.failures += 1;
    if (patient && state.failures < 2) return;
    const next = troubleOf(error, files);
    if (state.trouble?.reason !== next.reason) log.problem('listener-tls', error);
    setTrouble(state, next);
  }
}

function putIntoUse(state: TlsState, files: TlsFiles, pair: TlsPair, print: string): void {
  const { contexts, options } = state;
  const digest = createHash('sha256').update(`${pair.cert}\0${pair.key}`).digest('hex');
  if (digest !== state.used?.digest || !contexts.has('*')) {
    const secure = { key: pair.key, cert: pair.cert, minVersion: 'TLSv1.2', honorCipherOrder: true } as const;
    contexts.set('*', createSecureContext(secure));
    options.log.note('listener-certificate', { file: files.cert });
  }
  const renewAt = files.own ? expiryOf(pair) - EXPIRES_SOON_MS : Infinity;
  state.used = { print, digest, renewAt };
}

/** Changes when either file is written, replaced or reached by another link. */
async function printOf(files: TlsFiles): Promise<string> {
  const prints = [files.cert, files.key].map((file) =>
    stat(file).then(
      ({ dev, ino, size, mtimeMs, ctimeMs }) => [dev, ino, size, mtimeMs, ctimeMs].join(':'),
      (error: unknown) => (error as NodeJS.ErrnoException).code ?? 'unreadable',
    ),
  );
  return (await Promise.all(prints)).join(' ');
}

function troubleOf(error: unknown, files: TlsFiles): CertificateTrouble {
  const { syscall, path } = error as NodeJS.ErrnoException;
  if (syscall !== undefined) return { reason: 'unreadable', file: path ?? files.cert };
  return { reason: error instanceof PairError ? error.reason : 'broken', file: files.cert };
}
