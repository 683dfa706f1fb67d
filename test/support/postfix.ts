import { execFileSync } from 'node:child_process';
import {
  mkdtempSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  chmodSync,
  existsSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { KeyPair } from './certificates.ts';
import { freePort, onFreePort } from './ports.ts';
import { eventually } from './program-lab.ts';
import { accepts, startServer, type ServerProcess } from './server-process.ts';

export interface Postfix {
  /** Port 25 in a real one: STARTTLS, sign-in, relays for those who signed in only. */
  readonly port: number;
  /** Port 465: TLS from the first octet. */
  readonly tlsPort: number;
  /** Messages delivered to local mailboxes, whole, in any order. */
  messages(): readonly string[];
  readonly log: () => string;
  close(): Promise<void>;
}

/** True where Postfix and Dovecot are installed and this process may start them. */
export function canRunPostfix(): boolean {
  return process.getuid?.() === 0 && existsSync('/usr/sbin/postfix') && existsSync('/usr/sbin/dovecot');
}

interface PostfixOptions {
  readonly user: string;
  readonly password: string;
  readonly certificate: KeyPair;
}

/**
 * A private Postfix with Dovecot for its sign-in, in a temporary folder on free ports. Local mail for `*@local.test`
 * lands in a mailbox; everything else is relayed for signed-in users only (here: to the mailbox as well).
 */
export function startPostfix(options: PostfixOptions): Promise<Postfix> {
  return onFreePort((port) => startOn(port, options));
}

async function startOn(port: number, options: PostfixOptions): Promise<Postfix> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'postfix-'));
  chmodSync(folder, 0o755);
  const [tlsPort, authPort] = [await freePort(), await freePort()];
  const at = (...names: readonly string[]): string => path.join(folder, ...names);
  for (const name of ['etc', 'queue', 'data', 'dovecot']) mkdirSync(at(name));
  mkdirSync(at('mail'), { mode: 0o777 });
  chmodSync(at('mail'), 0o777);
  execFileSync('chown', ['postfix', at('data')]);
  writeFileSync(at('key.pem'), options.certificate.key, { mode: 0o600 });
  writeFileSync(at('cert.pem'), options.certificate.cert);
  writeFileSync(at('dovecot', 'users'), `${options.user}:{PLAIN}${options.password}\n`);
  writeFileSync(
    at('dovecot', 'dovecot.conf'),
    `base_dir=${at('dovecot', 'run')}
log_path=${at('dovecot', 'log')}
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
  args=${at('dovecot', 'users')}
}
userdb {
  driver=static
  args=uid=nobody gid=nogroup home=/nonexistent
}
service auth {
  inet_listener {
    address=127.0.0.1
    port=${authPort}
  }
}
service stats {
  unix_listener stats-writer {
    mode=0666
  }
}
`,
  );
  writeFileSync(
    at('etc', 'main.cf'),
    `compatibility_level=3.6
queue_directory=${at('queue')}
data_directory=${at('data')}
command_directory=/usr/sbin
daemon_directory=/usr/lib/postfix/sbin
mail_owner=postfix
setgid_group=postdrop
syslog_name=postfix-test
maillog_file=${at('maillog')}
maillog_file_prefixes=${folder}
inet_interfaces=127.0.0.1
inet_protocols=ipv4
myhostname=gateway.test
mydestination=
alias_maps=
local_recipient_maps=
virtual_mailbox_domains=static:all
virtual_mailbox_base=${at('mail')}
virtual_mailbox_maps=static:box/
virtual_minimum_uid=1
virtual_uid_maps=static:65534
virtual_gid_maps=static:65534
mynetworks=192.0.2.1
smtpd_relay_restrictions=
smtpd_recipient_restrictions=check_recipient_access inline:{ {nobody@local.test = 550 5.1.1 No such user} },permit_sasl_authenticated,check_recipient_access inline:{ {local.test = OK} }
  check_recipient_access inline:{ {elsewhere.test = 554 5.7.1 Relay access denied} },reject
smtpd_sasl_auth_enable=yes
smtpd_sasl_type=dovecot
smtpd_sasl_path=inet:127.0.0.1:${authPort}
smtpd_tls_auth_only=yes
smtpd_tls_security_level=may
smtpd_tls_cert_file=${at('cert.pem')}
smtpd_tls_key_file=${at('key.pem')}
message_size_limit=30000000
mailbox_size_limit=0
virtual_mailbox_limit=0
smtputf8_enable=yes
smtpd_peername_lookup=no
maximal_queue_lifetime=0
`,
  );
  const service = (name: string, type: string, privateTo: string, command: string): string =>
    `${name} ${type} ${privateTo} - n - 0 ${command}`;
  writeFileSync(
    at('etc', 'master.cf'),
    [
      `127.0.0.1:${port} inet n - n - - smtpd`,
      `127.0.0.1:${tlsPort} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes`,
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
      service('showq', 'unix', 'n', 'showq'),
    ].join('\n') + '\n',
  );
  const log = (): string =>
    ['maillog', path.join('dovecot', 'log')]
      .map((name) => (existsSync(at(name)) ? readFileSync(at(name), 'utf8') : ''))
      .join('\n');
  let dovecot: ServerProcess | null = null;
  const postfix = (command: string): void => {
    execFileSync('postfix', ['-c', at('etc'), command], { stdio: 'ignore' });
  };
  const close = async (): Promise<void> => {
    try {
      postfix('abort');
    } catch {
      // It was not running.
    }
    await dovecot?.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  try {
    dovecot = await startServer('/usr/sbin/dovecot', ['-F', '-c', at('dovecot', 'dovecot.conf')], () =>
      accepts(authPort),
    );
    // Returns once it has opened its ports, and fails if it cannot.
    postfix('start');
    for (const one of [port, tlsPort])
      await eventually(`Postfix does not answer on port ${one}`, () => accepts(one), 30_000);
  } catch (error) {
    const said = log();
    await close();
    throw new Error(`${String(error)}\n${said}`, { cause: error });
  }
  return {
    port,
    tlsPort,
    messages: () => {
      const box = at('mail', 'box', 'new');
      return existsSync(box) ? readdirSync(box).map((name) => readFileSync(path.join(box, name), 'latin1')) : [];
    },
    log,
    close,
  };
}
