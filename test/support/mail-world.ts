/** A small Internet on loopback for whole-program tests: one Postfix that is many hosts, and a DNS that knows them. */
import dgram from 'node:dgram';
import { execFileSync } from 'node:child_process';
import type { KeyPair } from './certificates.ts';
import { canRunDnsmasq, startDnsmasq } from './dnsmasq.ts';
import { postfixMissing } from './postfix.ts';
import { startGreylisting, startPostfixLab, type PostfixLab } from './postfix-lab.ts';
import { onFreePort } from './ports.ts';

/** Hosts by name: where each stands on loopback. All listen on the one direct port. */
const HOSTS = {
  /** Takes everything, but the recipients that every host refuses by local part. */
  mx1: '127.0.21.1',
  mx2: '127.0.21.2',
  /** Greylists. */
  grey: '127.0.21.3',
  /** Takes three recipients at a time. */
  few: '127.0.21.4',
  /** Knows neither 8BITMIME nor SMTPUTF8 nor DSN. */
  old: '127.0.21.5',
  /** Greets with 554. */
  rude: '127.0.21.6',
  /** Takes no MAIL before a sign-in. */
  shut: '127.0.21.7',
  six: '[::1]',
} as const;
/** Nobody listens here. */
export const DEAD = '127.0.21.99';

export interface MailWorld {
  readonly postfix: PostfixLab;
  /** For `connection.directPort`. */
  readonly port: number;
  /** For `connection.dnsServers`. */
  readonly dns: string;
  address(host: keyof typeof HOSTS): string;
  close(): Promise<void>;
}

export function mailWorldMissing(): string | null {
  return postfixMissing() ?? (canRunDnsmasq() ? null : 'dnsmasq is not installed (apt-get install dnsmasq-base)');
}

/** A DNS server that fails whatever it is asked (RCODE 2). */
async function startServfail(): Promise<{ readonly port: number; close(): void }> {
  const socket = dgram.createSocket('udp4');
  socket.on('message', (question, from) => {
    const answer = Buffer.from(question);
    answer[2] = (answer[2] ?? 0) | 0x80;
    answer[3] = 0x82;
    socket.send(answer, from.port, from.address);
  });
  await new Promise<void>((resolve) => {
    socket.bind(0, '127.0.0.1', resolve);
  });
  return { port: socket.address().port, close: () => socket.close() };
}

/** Starts it. Domains: order, dead, rude, grey, few, old, shut, six, null, implicit, alias, broken (SERVFAIL), all under `.test`. */
export async function startMailWorld(certificate?: KeyPair, moreDns: readonly string[] = []): Promise<MailWorld> {
  const opened: { close(): unknown }[] = [];
  const close = async (): Promise<void> => {
    for (const one of opened.splice(0).reverse()) await one.close();
  };
  const kept = <T extends { close(): unknown }>(one: T): T => {
    opened.push(one);
    return one;
  };
  try {
    return { ...(await startHosts(kept, certificate, moreDns)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startHosts(
  kept: <T extends { close(): unknown }>(one: T) => T,
  certificate: KeyPair | undefined,
  moreDns: readonly string[],
): Promise<Omit<MailWorld, 'close'>> {
  const greylisting = kept(await startGreylisting());
  const servfail = kept(await startServfail());
  const options: Partial<Record<keyof typeof HOSTS, Readonly<Record<string, string>>>> = {
    grey: {
      smtpd_recipient_restrictions: `check_policy_service inet:127.0.0.1:${greylisting.port},permit_auth_destination,reject`,
    },
    few: { smtpd_recipient_limit: '3' },
    old: { smtpd_discard_ehlo_keywords: '8bitmime,smtputf8,dsn' },
    rude: { smtpd_delay_reject: 'no', smtpd_client_restrictions: 'reject' },
    shut: { smtpd_sender_restrictions: 'reject', smtpd_delay_reject: 'no', reject_code: '530' },
  };
  const names = Object.keys(HOSTS) as (keyof typeof HOSTS)[];
  const { port, postfix } = await onFreePort(
    async (port) => ({
      port,
      postfix: kept(
        await startPostfixLab(
          names.map((name) => ({
            address: HOSTS[name],
            port,
            name: `${name}.hosts.test`,
            options: options[name] ?? {},
          })),
          certificate,
        ),
      ),
    }),
    [...names.map((name) => HOSTS[name].replace(/[[\]]/g, '')), DEAD],
  );
  const mx = (domain: string, host: string, preference = 10): string =>
    `mx-host=${domain}.test,${host}.hosts.test,${preference}`;
  const dns = kept(
    await startDnsmasq([
      ...names.map((name) => `host-record=${name}.hosts.test,${HOSTS[name].replace(/[[\]]/g, '')}`),
      `host-record=dead.hosts.test,${DEAD}`,
      ...names.map((name) => mx(name, name)),
      mx('order', 'mx1', 10),
      mx('order', 'mx2', 20),
      mx('dead', 'dead', 10),
      mx('dead', 'mx2', 20),
      mx('gone', 'dead', 10),
      mx('shuffled', 'mx1', 10),
      mx('shuffled', 'mx2', 10),
      'mx-host=null.test,.,0',
      mx('sender', 'mx1'),
      `host-record=implicit.test,${HOSTS.mx1}`,
      'cname=alias.test,implicit.test',
      `server=/broken.test/127.0.0.1#${servfail.port}`,
      ...moreDns,
    ]),
  );
  return {
    postfix,
    port,
    dns: dns.server,
    address: (host) => HOSTS[host].replace(/[[\]]/g, ''),
  };
}

/** What python's email package, an independent parser, reads out of a report. */
export interface ParsedReport {
  readonly type: string;
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly auto: string;
  readonly types: readonly string[];
  readonly human: string;
  /** Fields per message, then fields per recipient. */
  readonly blocks: readonly Readonly<Record<string, string>>[];
  readonly original: string;
  readonly defects: readonly string[];
}

const SCRIPT = `
import sys, json, email, email.policy
message = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
parts = list(message.iter_parts())
second = parts[1]
status = second.get_payload()
if second.get_content_type() == 'message/global-delivery-status':
    # The package knows it as some message of a kind; the blocks of fields are told apart by hand.
    text = status[0].as_bytes(policy=email.policy.SMTPUTF8).decode('utf-8')
    status = [email.message_from_string(block, policy=email.policy.default) for block in text.strip().replace('\\r\\n', '\\n').split('\\n\\n')]
blocks = [{k: str(v) for k, v in block.items()} for block in status]
third = parts[2]
inner = third.get_payload()
original = inner[0].as_string() if isinstance(inner, list) else third.get_payload(decode=True).decode('utf-8', 'replace')
print(json.dumps({
  'type': message.get_content_type(), 'from': str(message['from']), 'to': str(message['to']), 'subject': str(message['subject']),
  'auto': str(message['auto-submitted']), 'types': [p.get_content_type() for p in parts], 'human': parts[0].get_content(),
  'blocks': blocks, 'original': original, 'defects': [repr(d) for p in message.walk() for d in p.defects],
}))
`;

/** @param text Octets as latin1. */
export function parseReport(text: string): ParsedReport {
  const out = execFileSync('python3', ['-c', SCRIPT], { input: Buffer.from(text, 'latin1'), encoding: 'utf8' });
  return JSON.parse(out) as ParsedReport;
}
