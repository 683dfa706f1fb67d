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

/** Files are looked at this often at most, when a client asks for TLS. */
const LOOK_AGAIN_MS = 10_000;
/** And this often when none does: a broken file is told before somebody needs it. */
const LOOK_ANYWAY_MS = 5 * 60_000;
/** Nobody waits longer than this for files that do not come (a network drive): what is there is used. */
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
  /** Takes in the settings. What they ask for is loaded unless it is in use already. */
  want(tls: Settings['server']['tls']): void;
  /** True if TLS can begin, once what is being loaded is there; files that changed are loaded first. Never rejects. */
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
  /** Told when the trouble with the certificate changes; null: there is none. */
  readonly onTrouble: (trouble: CertificateTrouble | null) => void;
}

export function createListenerTls(options: ListenerTlsOptions): ListenerTls {
  const { clock, log } = options;
  const contexts = new Map<string, SecureContext>();
  let wanted: TlsFiles | null = null;
  /** What is in use: state of its files, digest of their contents, when it has to be made anew. */
  let used: { readonly print: string; readonly digest: string; readonly renewAt: number } | null = null;
  let loading: Promise<void> | null = null;
  /** Goes up with every wish: what an older one brings is thrown away. */
  let round = 0;
  let failures = 0;
  let trouble: CertificateTrouble | null = null;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let cancelLook: (() => void) | null = null;

  const tell = (next: CertificateTrouble | null): void => {
    if (trouble?.reason === next?.reason && trouble?.file === next?.file) return;
    trouble = next;
    options.onTrouble(next);
  };

  const take = (files: TlsFiles, pair: TlsPair, print: string): void => {
    const digest = createHash('sha256').update(`${pair.cert}\0${pair.key}`).digest('hex');
    if (digest !== used?.digest || !contexts.has('*')) {
      const secure = { key: pair.key, cert: pair.cert, minVersion: 'TLSv1.2', honorCipherOrder: true } as const;
      contexts.set('*', createSecureContext(secure));
      log.note('listener-certificate', { file: files.cert });
    }
    const renewAt = files.own ? expiryOf(pair) - EXPIRES_SOON_MS : Infinity;
    used = { print, digest, renewAt };
  };

  /** @param patient A file that was in order may be between its old and its new content: told when it stays so. */
  const load = async (files: TlsFiles, mine: number, patient: boolean): Promise<void> => {
    try {
      // Before they are read: a file that changes meanwhile is read again.
      const print = await printOf(files);
      const pair = await loadTlsPair(files, { hostname: options.hostname(), now: clock.now() });
      if (mine !== round) return;
      take(files, pair, print);
      failures = 0;
      tell(null);
    } catch (error) {
      if (mine !== round) return;
      failures += 1;
      if (patient && failures < 2) return;
      const next = troubleOf(error, files);
      if (trouble?.reason !== next.reason) log.problem('listener-tls', error);
      tell(next);
    }
  };

  const begin = (files: TlsFiles, patient: boolean): void => {
    const mine = (round += 1);
    lookedAt = clock.monotonic();
    const done = load(files, mine, patient).finally(() => {
      if (loading === done) loading = null;
    });
    loading = done;
  };

  /** Loads what changed since it was taken into use. */
  const look = async (): Promise<void> => {
    const files = wanted;
    if (files === null || loading !== null || clock.monotonic() - lookedAt < LOOK_AGAIN_MS) return;
    lookedAt = clock.monotonic();
    const mine = round;
    const print = await printOf(files);
    // Another load that began meanwhile has its own round.
    if (mine !== round) return;
    if (print === used?.print && clock.now() < used.renewAt) {
      // As it is in use, or put back to that.
      failures = 0;
      tell(null);
    } else begin(files, used !== null);
  };

  const lookAnyway = (): void => {
    cancelLook = clock.after(LOOK_ANYWAY_MS, () => {
      lookAnyway();
      void look();
    });
  };

  const stop = (): void => {
    round += 1;
    loading = null;
    cancelLook?.();
    cancelLook = null;
  };

  return {
    contexts,
    want(tls) {
      const files = tlsFiles(tls, options.directory);
      if (files === null) {
        stop();
        wanted = null;
        used = null;
        contexts.clear();
        tell(null);
        return;
      }
      const same = wanted !== null && wanted.cert === files.cert && wanted.key === files.key;
      if (same && (loading !== null || (used !== null && trouble === null))) return;
      wanted = files;
      failures = 0;
      begin(files, false);
      if (cancelLook === null) lookAnyway();
    },
    async ready() {
      await within(
        clock,
        WAIT_MS,
        look().then(() => loading),
      );
      return contexts.has('*');
    },
    close: stop,
  };
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
