import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

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

/** Makes an authority and certificates with openssl; takes about a second. */
export function makeCertificates(): Certificates {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'certificates-'));
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', [...args], { cwd: folder, stdio: 'ignore' });
  };
  const read = (name: string): string => readFileSync(path.join(folder, name), 'utf8');
  const key = (name: string): void => {
    openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`);
  };
  const issue = (name: string, names: string, from: string, to: string): KeyPair => {
    key(name);
    openssl('req', '-new', '-key', `${name}.key`, '-subj', `/CN=${name}`, '-out', `${name}.csr`);
    openssl(
      'ca', '-batch', '-config', 'ca.cnf', '-in', `${name}.csr`, '-out', `${name}.pem`, '-notext',
      '-startdate', from, '-enddate', to, '-extensions', names,
    ); // prettier-ignore
    return { key: read(`${name}.key`), cert: read(`${name}.pem`) };
  };
  try {
    key('ca');
    openssl(
      'req',
      '-x509',
      '-new',
      '-key',
      'ca.key',
      '-subj',
      '/CN=Nobody knows me',
      '-days',
      '3650',
      '-out',
      'ca.pem',
    );
    writeFileSync(path.join(folder, 'index.txt'), '');
    writeFileSync(path.join(folder, 'serial'), '01\n');
    writeFileSync(
      path.join(folder, 'ca.cnf'),
      `[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\ncertificate=ca.pem\nprivate_key=ca.key\ndefault_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n` +
        `[here]\nsubjectAltName=IP:127.0.0.1,DNS:localhost,DNS:smtp.office.test\n[elsewhere]\nsubjectAltName=DNS:other.example.test\n`,
    );
    const good = issue('good', 'here', '20200101000000Z', '20450101000000Z');
    const expired = issue('expired', 'here', '20200101000000Z', '20210101000000Z');
    const wrongName = issue('wrong', 'elsewhere', '20200101000000Z', '20450101000000Z');
    key('self');
    openssl(
      'req',
      '-x509',
      '-new',
      '-key',
      'self.key',
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=IP:127.0.0.1',
      '-days',
      '3650',
      '-out',
      'self.pem',
    );
    return {
      ca: read('ca.pem'),
      good,
      expired,
      wrongName,
      selfSigned: { key: read('self.key'), cert: read('self.pem') },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
