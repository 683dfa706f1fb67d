/**
 * The listener's TLS key and certificate: the user's PEM files, or a pair of this installation's own, made on first use
 * and kept in the profile, readable by the user alone. The library's built-in pair is public and never used (S10).
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Settings } from '../../shared/settings.ts';

export interface TlsPair {
  readonly key: string;
  readonly cert: string;
}

/** Where a pair is read from. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** This installation's own pair: made when it is missing or about to expire. */
  readonly own: boolean;
}

const DAY = 86_400_000;
const VALID_DAYS = 3650;
/** An own pair with less than this to go is made anew. */
export const EXPIRES_SOON_MS = DAY;

/**
 * The files that the settings name, or those of the own pair in `directory`; null: no TLS is wanted, or there is no place
 * for an own pair. One file can hold both.
 */
export function tlsFiles(tls: Settings['server']['tls'], directory: string | undefined): TlsFiles | null {
  const { enabled, certFile, keyFile } = tls;
  if (!enabled) return null;
  if (certFile !== '' || keyFile !== '') return { cert: certFile || keyFile, key: keyFile || certFile, own: false };
  if (directory === undefined) return null;
  return { cert: join(directory, 'listener-cert.pem'), key: join(directory, 'listener-key.pem'), own: true };
}

/** Key and certificate were read, but TLS cannot be made of them. */
export class PairError extends Error {
  /** `mismatch`: they are not of one pair. `broken`: no PEM, or a key with a passphrase. */
  readonly reason: 'mismatch' | 'broken';
  constructor(reason: PairError['reason'], message: string) {
    super(message);
    this.name = 'PairError';
    this.reason = reason;
  }
}

/**
 * Loads the pair, or makes the own one, with `hostname` in its certificate. Rejects with PairError, or with the file
 * system's error if files cannot be read or, of an own pair, written.
 *
 * @param facts `now` in milliseconds since the epoch.
 */
export async function loadTlsPair(
  files: TlsFiles,
  facts: { readonly hostname: string; readonly now: number },
): Promise<TlsPair> {
  if (!files.own) return readPair(files);
  try {
    const pair = await readPair(files);
    if (expiryOf(pair) > facts.now + EXPIRES_SOON_MS) return pair;
  } catch (error) {
    // Not there yet, or no pair: a new one takes its place. What is there but cannot be read is no reason to make another:
    // clients trust the one they know.
    if (!(error instanceof PairError) && (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const pair = await makePair(facts.hostname, facts.now);
  await mkdir(dirname(files.cert), { recursive: true, mode: 0o700 });
  await writePrivate(files.key, pair.key);
  await writePrivate(files.cert, pair.cert);
  return pair;
}

/** When the certificate's validity ends, in milliseconds since the epoch. */
export function expiryOf(pair: TlsPair): number {
  return Date.parse(new X509Certificate(pair.cert).validTo);
}

async function readPair(files: TlsFiles): Promise<TlsPair> {
  const pair = { cert: await readFile(files.cert, 'utf8'), key: await readFile(files.key, 'utf8') };
  let matches: boolean;
  try {
    // An empty text would pass for a pair until the first handshake.
    matches = new X509Certificate(pair.cert).checkPrivateKey(createPrivateKey(pair.key));
  } catch (error) {
    throw new PairError('broken', error instanceof Error ? error.message : String(error));
  }
  if (!matches) throw new PairError('mismatch', 'key and certificate do not belong together');
  return pair;
}

async function makePair(hostname: string, now: number): Promise<TlsPair> {
  // Loaded only when a pair is made: it is heavy, and most installations never need it.
  const { generate } = await import('selfsigned');
  const made = await generate([{ name: 'commonName', value: hostname }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(now - DAY),
    notAfterDate: new Date(now + VALID_DAYS * DAY),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: hostname },
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  });
  return { key: made.private, cert: made.cert };
}

async function writePrivate(path: string, text: string): Promise<void> {
  const draft = `${path}.new`;
  await writeFile(draft, text, { mode: 0o600 });
  await chmod(draft, 0o600);
  await rename(draft, path);
}
