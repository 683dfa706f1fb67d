/** Keys and certificates for tests, without openssl, so that they can be had on every system. */
import { isIP } from 'node:net';
import { generate } from 'selfsigned';

export interface KeyPair {
  readonly key: string;
  readonly cert: string;
}

export interface Certificates {
  /** PEM of an authority that nobody knows. */
  readonly ca: string;
  /** For 127.0.0.1, localhost and smtp.office.test, by that authority. */
  readonly good: KeyPair;
  readonly expired: KeyPair;
  /** For other.example.test. */
  readonly wrongName: KeyPair;
  readonly selfSigned: KeyPair;
}

const LONG_AGO = new Date('2020-01-01T00:00:00Z');
const AWAY_IN_TIME = new Date('2045-01-01T00:00:00Z');

interface Wanted {
  readonly commonName: string;
  /** DNS names and IP addresses; empty for an authority. */
  readonly names: readonly string[];
  readonly notAfter?: Date;
  /** Who signs; absent: the pair itself. */
  readonly ca?: KeyPair;
}

async function issue({ commonName, names, notAfter = AWAY_IN_TIME, ca }: Wanted): Promise<KeyPair> {
  const authority = names.length === 0;
  const made = await generate([{ name: 'commonName', value: commonName }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: LONG_AGO,
    notAfterDate: notAfter,
    ...(ca === undefined ? {} : { ca }),
    extensions: [
      { name: 'basicConstraints', cA: authority, critical: true },
      ...(authority
        ? [{ name: 'keyUsage' as const, keyCertSign: true, cRLSign: true, critical: true }]
        : [
            {
              name: 'subjectAltName' as const,
              altNames: names.map((name) =>
                isIP(name) > 0 ? { type: 7 as const, ip: name } : { type: 2 as const, value: name },
              ),
            },
          ]),
    ],
  });
  return { key: made.private, cert: made.cert };
}

/** A certificate for these names that vouches for itself. */
export function selfSignedFor(...names: readonly [string, ...string[]]): Promise<KeyPair> {
  return issue({ commonName: names[0], names });
}

/** Makes an authority and certificates; takes some hundredths of a second. */
export async function makeCertificates(): Promise<Certificates> {
  const ca = await issue({ commonName: 'Nobody knows me', names: [] });
  const here = ['127.0.0.1', 'localhost', 'smtp.office.test'];
  const [good, expired, wrongName, selfSigned] = await Promise.all([
    issue({ commonName: 'good', names: here, ca }),
    issue({ commonName: 'expired', names: here, ca, notAfter: new Date('2021-01-01T00:00:00Z') }),
    issue({ commonName: 'wrong', names: ['other.example.test'], ca }),
    issue({ commonName: 'localhost', names: ['127.0.0.1'] }),
  ]);
  return { ca: ca.cert, good, expired, wrongName, selfSigned };
}
