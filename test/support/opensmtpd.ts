/** OpenSMTPD from Debian's package, unpacked: it cannot be installed beside Postfix. Its fixed paths are mounted over in a namespace of its own. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { unpackedPackage } from './debian-package.ts';
import { accepts, startServer } from './server-process.ts';

export interface OpenSmtpd {
  /** Messages in the mailbox, whole. */
  messages(): readonly string[];
  log(): string;
  close(): Promise<void>;
}

/** Null where it can be run, else why not. */
export function openSmtpdMissing(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'OpenSMTPD wants to be started by root on Linux';
  const found = unpackedPackage('opensmtpd');
  if (!found.ok) return found.why;
  try {
    execFileSync('unshare', ['-m', path.join(found.folder, 'usr/sbin/smtpd'), '-h'], { stdio: 'pipe' });
  } catch (error) {
    const said = String((error as { stderr?: Buffer }).stderr ?? '');
    // Its usage, with an exit code of its own.
    if (!said.includes('usage:')) return `OpenSMTPD does not run here: ${said.trim()}`;
  }
  return null;
}

/**
 * Takes mail for these users of `domain` and refuses all else, as MX and as a gateway that passes on for one domain only.
 * It offers STARTTLS, and then cannot do it: Debian 12's build fails every handshake. Such servers exist; see that mail
 * gets past them.
 */
export async function startOpenSmtpd(options: {
  readonly address: string;
  readonly port: number;
  readonly domain: string;
  readonly users: readonly string[];
}): Promise<OpenSmtpd> {
  const found = unpackedPackage('opensmtpd');
  if (!found.ok) throw new Error(found.why);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'opensmtpd-'));
  chmodSync(folder, 0o755);
  const at = (name: string): string => path.join(folder, name);
  mkdirSync(at('box'));
  chmodSync(at('box'), 0o777);
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      '/CN=osmtpd.test',
      '-days',
      '3650',
      '-keyout',
      at('key.pem'),
      '-out',
      at('cert.pem'),
    ],
    { stdio: 'ignore' },
  );
  chmodSync(at('key.pem'), 0o600);
  const aliases = options.users.map((user) => `"${user}@${options.domain}" = "nobody"`).join(', ');
  writeFileSync(
    at('smtpd.conf'),
    [
      `pki lab cert "${at('cert.pem')}"`,
      `pki lab key "${at('key.pem')}"`,
      `listen on ${options.address} port ${options.port} tls pki lab hostname osmtpd.test`,
      `action "box" maildir "${at('box')}" virtual { ${aliases} }`,
      `match from any for domain "${options.domain}" action "box"`,
      '',
    ].join('\n'),
    { mode: 0o600 },
  );
  writeFileSync(
    at('run.sh'),
    [
      'set -e',
      `cp /etc/passwd ${at('passwd')}; cp /etc/group ${at('group')}`,
      `for u in opensmtpd:64901 opensmtpq:64902; do echo "\${u%:*}:x:\${u#*:}:\${u#*:}::/nonexistent:/usr/sbin/nologin" >> ${at('passwd')}; echo "\${u%:*}:x:\${u#*:}:" >> ${at('group')}; done`,
      'mount --make-rprivate /',
      `mount --bind ${at('passwd')} /etc/passwd; mount --bind ${at('group')} /etc/group`,
      'for d in /run /var/spool /var/lib; do mount -t tmpfs none $d; done',
      'mkdir -p /usr/libexec; mount -t tmpfs none /usr/libexec',
      'mkdir -m 711 /var/spool/smtpd; mkdir -p -m 755 /var/lib/opensmtpd/empty',
      `cp -r ${found.folder}/usr/libexec/opensmtpd /usr/libexec/`,
      `exec ${found.folder}/usr/sbin/smtpd -d -f ${at('smtpd.conf')}`,
    ].join('\n'),
  );
  const remove = (): void => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  const server = await startServer(
    'unshare',
    ['-m', 'sh', at('run.sh')],
    () => accepts(options.port, options.address),
    { forks: true },
  ).catch((error: unknown) => {
    remove();
    throw error;
  });
  return {
    messages: () => {
      const box = path.join(at('box'), 'new');
      return existsSync(box) ? readdirSync(box).map((name) => readFileSync(path.join(box, name), 'latin1')) : [];
    },
    log: () => server.said(),
    close: async () => {
      await server.close();
      remove();
    },
  };
}
