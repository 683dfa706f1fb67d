/** Private Postfixes: `runPostfix` runs any; `startPostfix` is a provider's gateway with sign-in. */
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
import type { KeyPair } from './certificates.ts';
import { freePort, onFreePort } from './ports.ts';
import { eventually } from './program-lab.ts';
import { accepts, startServer } from './server-process.ts';

/** Null where Postfix can be run, else why not. */
export function postfixMissing(): string | null {
  if (process.getuid?.() !== 0) return 'Postfix wants to be started by root';
  return existsSync('/usr/sbin/postfix') ? null : 'Postfix is not installed (apt-get install postfix)';
}

/** True where Postfix and Dovecot are installed and this process may start them. */
export function canRunPostfix(): boolean {
  return postfixMissing() === null && existsSync('/usr/sbin/dovecot');
}

/** Values of main.cf. */
type PostfixOptions = Readonly<Record<string, string>>;

/** An smtpd of its own. */
export interface PostfixPort {
  /** `127.0.0.21`, or `[::1]`. */
  readonly address: string;
  readonly port: number;
  /** What is different from main.cf here. */
  readonly options?: PostfixOptions;
}

export interface PostfixSetup {
  readonly ports: readonly PostfixPort[];
  /** Put over what every test wants. */
  readonly options: PostfixOptions;
  /** STARTTLS is offered with it. */
  readonly certificate?: KeyPair | undefined;
}

export interface RunningPostfix {
  /** Messages delivered to the mailbox, whole, in any order. */
  messages(): readonly string[];
  log(): string;
  close(): Promise<void>;
}

/** Everything but the smtpds; nothing runs in a jail, which would have to be furnished first. */
const SERVICES = [
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
  'showq unix n - n - 0 showq',
];

/**
 * Runs a Postfix in a temporary folder until close(). What its smtpds take for anybody lands in one mailbox; nothing is
 * sent on. Resolves once it answers at each port; rejects with its log, nothing of it left.
 */
export async function runPostfix({ ports, options, certificate }: PostfixSetup): Promise<RunningPostfix> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'postfix-'));
  chmodSync(folder, 0o755);
  const at = (...names: readonly string[]): string => path.join(folder, ...names);
  for (const name of ['etc', 'queue', 'data', 'mail']) mkdirSync(at(name));
  chmodSync(at('mail'), 0o777);
  execFileSync('chown', ['postfix', at('data')]);
  if (certificate !== undefined) {
    writeFileSync(at('key.pem'), certificate.key, { mode: 0o600 });
    writeFileSync(at('cert.pem'), certificate.cert);
  }
  const main: PostfixOptions = {
    compatibility_level: '3.6',
    queue_directory: at('queue'),
    data_directory: at('data'),
    command_directory: '/usr/sbin',
    daemon_directory: '/usr/lib/postfix/sbin',
    mail_owner: 'postfix',
    setgid_group: 'postdrop',
    syslog_name: 'postfix-test',
    maillog_file: at('maillog'),
    maillog_file_prefixes: folder,
    inet_interfaces: 'loopback-only',
    inet_protocols: ports.some(({ address }) => address.startsWith('[')) ? 'all' : 'ipv4',
    mydestination: '',
    alias_maps: '',
    local_recipient_maps: '',
    virtual_mailbox_domains: 'static:all',
    virtual_mailbox_base: at('mail'),
    virtual_mailbox_maps: 'static:box/',
    virtual_minimum_uid: '1',
    virtual_uid_maps: 'static:65534',
    virtual_gid_maps: 'static:65534',
    virtual_mailbox_limit: '0',
    mailbox_size_limit: '0',
    // Nobody is trusted for the address that he comes from.
    mynetworks: '192.0.2.1',
    smtpd_peername_lookup: 'no',
    smtputf8_enable: 'yes',
    ...(certificate === undefined
      ? {}
      : {
          smtpd_tls_security_level: 'may',
          smtpd_tls_cert_file: at('cert.pem'),
          smtpd_tls_key_file: at('key.pem'),
        }),
    ...options,
  };
  const lines = (values: readonly string[]): string => `${values.join('\n')}\n`;
  writeFileSync(at('etc', 'main.cf'), lines(Object.entries(main).map(([key, value]) => `${key} = ${value}`)));
  const smtpd = ({ address, port, options: own = {} }: PostfixPort): string =>
    [
      `${address}:${port} inet n - n - - smtpd`,
      ...Object.entries(own).map(([key, value]) => `-o { ${key} = ${value} }`),
    ].join(' ');
  writeFileSync(at('etc', 'master.cf'), lines([...ports.map(smtpd), ...SERVICES]));
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
    // Returns once it has opened its ports, and fails if it cannot.
    postfix('start');
    for (const { address, port } of ports)
      await eventually(`Postfix does not answer at ${address}:${port}`, () =>
        accepts(port, address.replace(/[[\]]/g, '')),
      );
  } catch (error) {
    const said = log();
    await close();
    throw new Error(`${String(error)}\n${said}`, { cause: error });
  }
  return {
    messages: () => {
      const box = at('mail', 'box', 'new');
      return existsSync(box) ? readdirSync(box).map((name) => readFileSync(path.join(box, name), 'latin1')) : [];
    },
    log,
    close,
  };
}

export interface Postfix extends RunningPostfix {
  /** Port 25 in a real one: STARTTLS, sign-in, relays for those who signed in only. */
  readonly port: number;
  /** Port 465: TLS from the first octet. */
  readonly tlsPort: number;
}

interface User {
  readonly user: string;
  readonly password: string;
}

/**
 * A Postfix with Dovecot for its sign-in, on free ports. Local mail for `*@local.test` is taken from anybody; everything
 * else is relayed for signed-in users only (here: to the mailbox as well).
 */
export async function startPostfix({
  certificate,
  ...user
}: User & { readonly certificate: KeyPair }): Promise<Postfix> {
  const dovecot = await onFreePort((port) => startDovecot(port, user));
  try {
    return await onFreePort(async (port) => {
      const tlsPort = await freePort();
      const address = '127.0.0.1';
      const postfix = await runPostfix({
        ports: [
          { address, port },
          { address, port: tlsPort, options: { smtpd_tls_wrappermode: 'yes' } },
        ],
        options: {
          myhostname: 'gateway.test',
          smtpd_relay_restrictions: '',
          smtpd_recipient_restrictions: [
            'check_recipient_access inline:{ {nobody@local.test = 550 5.1.1 No such user} }',
            'permit_sasl_authenticated',
            'check_recipient_access inline:{ {local.test = OK} }',
            'check_recipient_access inline:{ {elsewhere.test = 554 5.7.1 Relay access denied} }',
            'reject',
          ].join(', '),
          smtpd_sasl_auth_enable: 'yes',
          smtpd_sasl_type: 'dovecot',
          smtpd_sasl_path: `inet:127.0.0.1:${dovecot.port}`,
          smtpd_tls_auth_only: 'yes',
          message_size_limit: '30000000',
          maximal_queue_lifetime: '0',
        },
        certificate,
      });
      return {
        ...postfix,
        port,
        tlsPort,
        log: () => `${postfix.log()}\n${dovecot.log()}`,
        async close() {
          await postfix.close();
          await dovecot.close();
        },
      };
    });
  } catch (error) {
    const said = dovecot.log();
    await dovecot.close();
    throw new Error(`${String(error)}\n${said}`, { cause: error });
  }
}

/** A Dovecot that does nothing but answer Postfix whether this user may sign in. */
async function startDovecot(
  port: number,
  { user, password }: User,
): Promise<{ readonly port: number; log(): string; close(): Promise<void> }> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'dovecot-'));
  chmodSync(folder, 0o755);
  const at = (name: string): string => path.join(folder, name);
  writeFileSync(at('users'), `${user}:{PLAIN}${password}\n`);
  writeFileSync(
    at('dovecot.conf'),
    `base_dir=${at('run')}
log_path=${at('log')}
protocols=
ssl=no
default_internal_user=nobody
default_login_user=nobody
default_internal_group=nogroup
auth_mechanisms=plain login cram-md5
auth_failure_delay=0 secs
service anvil {
  unix_listener anvil-auth-penalty {
    mode=0
  }
}
disable_plaintext_auth=no
passdb {
  driver=passwd-file
  args=${at('users')}
}
userdb {
  driver=static
  args=uid=nobody gid=nogroup home=/nonexistent
}
service auth {
  inet_listener {
    address=127.0.0.1
    port=${port}
  }
}
service stats {
  unix_listener stats-writer {
    mode=0666
  }
}
`,
  );
  const log = (): string => (existsSync(at('log')) ? readFileSync(at('log'), 'utf8') : '');
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  try {
    const server = await startServer('/usr/sbin/dovecot', ['-F', '-c', at('dovecot.conf')], () => accepts(port));
    return {
      port,
      log,
      async close() {
        await server.close();
        remove();
      },
    };
  } catch (error) {
    const said = log();
    remove();
    throw new Error(`${String(error)}\n${said}`, { cause: error });
  }
}
