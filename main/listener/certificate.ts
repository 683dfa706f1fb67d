/**
 * The listener's TLS key and certificate: the user's PEM files, or a pair of this installation's own, made on first use
 * and kept in the profile, readable by the user alone. The library's built-in pair is public and never used (S10).
 */
import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface TlsPair {
  readonly key: string;
  readonly cert: string;
}

export interface CertificateOptions {
  /** Where the own pair is kept, inside the profile. */
  readonly directory: string;
  /** PEM files of the user; both empty = own pair. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Name in the certificate. */
  readonly hostname: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const DAY = 86_400_000;
const VALID_DAYS = 3650;

/** Loads or makes the pair. Rejects with a plain message if the files cannot be read or do not belong together. */
export async function loadTlsPair(options: CertificateOptions): Promise<TlsPair> {
  if (options.certFile !== '' || options.keyFile !== '') {
    const pair = { cert: await readFile(options.certFile, 'utf8'), key: await readFile(options.keyFile, 'utf8') };
    return pair;
  }
  const certPath = join(options.directory, 'listener-cert.pem');
  const keyPath = join(options.directory, 'listener-key.pem');
  const cert = await textOf(certPath);
  const key = await textOf(keyPath);
  if (cert !== null && key !== null && isUsable(cert, options.now)) return { cert, key };
  const pair = await makePair(options.hostname, options.now);
  await mkdir(options.directory, { recursive: true, mode: 0o700 });
  await writePrivate(keyPath, pair.key);
  await writePrivate(certPath, pair.cert);
  return pair;
}

/** Null: there is none. What is there but cannot be read is no reason to make another: clients trust the one they know. */
async function textOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function isUsable(cert: string, now: number): boolean {
  try {
    return Date.parse(new X509Certificate(cert).validTo) > now + DAY;
  } catch {
    return false;
  }
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
