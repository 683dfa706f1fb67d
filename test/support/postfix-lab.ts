/** One Postfix that is many mail servers: an smtpd of its own with rules of its own on every address. */
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
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { KeyPair } from './certificates.ts';
import { eventually } from './program-lab.ts';
import { accepts } from './server-process.ts';

/** Null where Postfix can be run, else why not. */
export function postfixMissing(): string | null {
  if (process.getuid?.() !== 0) return 'Postfix wants to be started by root';
  return existsSync('/usr/sbin/postfix') ? null : 'Postfix is not installed (apt-get install postfix)';
}

export interface PostfixHost {
  /** `127.0.0.21`, or `[::1]`. */
  readonly address: string;
  readonly port: number;
  /** Its name in the greeting and in Received fields: tells who took a message. */
  readonly name: string;
  readonly options?: Readonly<Record<string, string>>;
}

/** One message in a mailbox. */
export interface Arrived {
  readonly to: string;
  readonly from: string;
  /** Name of the host that took it. */
  readonly by: string;
  readonly text: string;
}

export interface PostfixLab {
  arrived(): readonly Arrived[];
  /** Waits for `count` messages to this recipient. */
  arrives(to: string, count?: number): Promise<readonly Arrived[]>;
  log(): string;
  close(): Promise<void>;
}

/** Recipients by local part, at every host: refused, put off, or taken. */
const BY_LOCAL_PART = [
  '{nobody@ = 550 5.1.1 No such user here}',
  '{moved@ = 551 5.1.6 User has moved}',
  '{full@ = 452 4.2.2 Mailbox full}',
  '{busy@ = 450 4.2.1 Mailbox busy}',
  '{spam@ = 554 5.7.1 Message refused by policy}',
].join(', ');

/** Starts it; mail for anywhere that a host takes lands in one mailbox folder. */
export async function startPostfixLab(hosts: readonly PostfixHost[], certificate?: KeyPair): Promise<PostfixLab> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'postfix-lab-'));
  chmodSync(folder, 0o755);
  const at = (...names: readonly string[]): string => path.join(folder, ...names);
  for (const name of ['etc', 'queue', 'data']) mkdirSync(at(name));
  mkdirSync(at('mail'));
  chmodSync(at('mail'), 0o777);
  execFileSync('chown', ['postfix', at('data')]);
  if (certificate) {
    writeFileSync(at('key.pem'), certificate.key, { mode: 0o600 });
    writeFileSync(at('cert.pem'), certificate.cert);
  }
  writeFileSync(
    at('etc', 'main.cf'),
    [
      'compatibility_level=3.6',
      `queue_directory=${at('queue')}`,
      `data_directory=${at('data')}`,
      'command_directory=/usr/sbin',
      'daemon_directory=/usr/lib/postfix/sbin',
      'mail_owner=postfix',
      'setgid_group=postdrop',
      'syslog_name=postfix-lab',
      `maillog_file=${at('maillog')}`,
      `maillog_file_prefixes=${folder}`,
      'inet_interfaces=loopback-only',
      `inet_protocols=${hosts.some((h) => h.address.startsWith('[')) ? 'all' : 'ipv4'}`,
      'myhostname=lab.test',
      'mydestination=',
      'alias_maps=',
      'local_recipient_maps=',
      'virtual_mailbox_domains=static:all',
      `virtual_mailbox_base=${at('mail')}`,
      'virtual_mailbox_maps=static:box/',
      'virtual_minimum_uid=1',
      'virtual_uid_maps=static:65534',
      'virtual_gid_maps=static:65534',
      'virtual_mailbox_limit=0',
      'mailbox_size_limit=0',
      'mynetworks=192.0.2.1',
      'smtpd_relay_restrictions=permit_auth_destination,reject',
      `smtpd_recipient_restrictions=check_recipient_access inline:{ ${BY_LOCAL_PART} },permit_auth_destination,reject`,
      'smtpd_peername_lookup=no',
      'smtpd_client_connection_rate_limit=0',
      'smtpd_soft_error_limit=100',
      'smtputf8_enable=yes',
      'append_dot_mydomain=no',
      ...(certificate
        ? [
            'smtpd_tls_security_level=may',
            `smtpd_tls_cert_file=${at('cert.pem')}`,
            `smtpd_tls_key_file=${at('key.pem')}`,
          ]
        : []),
      '',
    ].join('\n'),
  );
  const options = (host: PostfixHost): string =>
    Object.entries({ myhostname: host.name, ...host.options })
      .map(([key, value]) => `-o { ${key} = ${value} }`)
      .join(' ');
  writeFileSync(
    at('etc', 'master.cf'),
    [
      ...hosts.map((h) => `${h.address}:${h.port} inet n - n - - smtpd ${options(h)}`),
      'pickup unix n - n 60 1 pickup',
      'cleanup unix n - n - 0 cleanup',
      'qmgr unix n - n 300 1 qmgr',
      'tlsmgr unix - - n 1000? 1 tlsmgr',
      'rewrite unix - - n - - trivial-rewrite',
      'bounce unix - - n - 0 bounce',
      'defer unix - - n - 0 bounce',
      'trace unix - - n - 0 bounce',
      'verify unix - - n - 1 verify',
      'proxymap unix - - n - - proxymap',
      'error unix - - n - - error',
      'retry unix - - n - - error',
      'virtual unix - n n - - virtual',
      'anvil unix - - n - 1 anvil',
      'scache unix - - n - 1 scache',
      'postlog unix-dgram n - n - 1 postlogd',
      'showq unix n - n - - showq',
      '',
    ].join('\n'),
  );
  const postfix = (command: string): void => {
    execFileSync('postfix', ['-c', at('etc'), command], { stdio: 'ignore' });
  };
  const log = (): string => (existsSync(at('maillog')) ? readFileSync(at('maillog'), 'utf8') : '');
  const close = (): Promise<void> => {
    try {
      postfix('abort');
    } catch {
      // It was not running.
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    return Promise.resolve();
  };
  try {
    postfix('start');
    for (const host of hosts)
      await eventually(
        `Postfix does not answer at ${host.address}`,
        () => accepts(host.port, host.address.replace(/[[\]]/g, '')),
        30_000,
      );
  } catch (error) {
    const said = log();
    await close();
    throw new Error(`${String(error)}\n${said}`, { cause: error });
  }
  const arrived = (): readonly Arrived[] => {
    const box = at('mail', 'box', 'new');
    if (!existsSync(box)) return [];
    return readdirSync(box).map((name) => {
      const text = readFileSync(path.join(box, name), 'latin1');
      return {
        to: /^X-Original-To: (.*)$/m.exec(text)?.[1] ?? '',
        from: /^Return-Path: <(.*)>$/m.exec(text)?.[1] ?? '',
        by: /^Received: from [^\n]*\n\tby (\S+)/m.exec(text)?.[1] ?? '',
        text,
      };
    });
  };
  return {
    arrived,
    arrives: (to, count = 1) =>
      eventually(
        () =>
          `${count} for ${to} did not arrive; there are ${JSON.stringify(arrived().map((a) => a.to))}\n${log().split('\n').slice(-15).join('\n')}`,
        () => {
          const mine = arrived().filter((a) => a.to === to);
          return mine.length >= count ? mine : undefined;
        },
      ),
    log,
    close,
  };
}

/**
 * A greylisting policy service as Postfix asks one (SMTPD_POLICY_README): the first try of a sender and recipient is put
 * off, later ones pass.
 */
export async function startGreylisting(): Promise<{ readonly port: number; asked(): number; close(): Promise<void> }> {
  const seen = new Set<string>();
  let asked = 0;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    let rest = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk) => {
      rest += String(chunk);
      for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
        const request = rest.slice(0, end);
        rest = rest.slice(end + 2);
        asked += 1;
        const fact = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(request)?.[1] ?? '';
        const key = `${fact('sender')} ${fact('recipient')}`;
        socket.write(seen.has(key) ? 'action=DUNNO\n\n' : 'action=451 4.7.1 Greylisted, try again\n\n');
        seen.add(key);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    asked: () => asked,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
