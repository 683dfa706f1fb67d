/** One Postfix that is many mail servers: an smtpd of its own with rules of its own on every address. */
import net from 'node:net';
import type { KeyPair } from './certificates.ts';
import { runPostfix, type PostfixPort, type RunningPostfix } from './postfix.ts';
import { eventually } from './program-lab.ts';

export interface PostfixHost extends PostfixPort {
  /** Its name in the greeting and in Received fields: tells who took a message. */
  readonly name: string;
}

/** One message in a mailbox. */
export interface Arrived {
  readonly to: string;
  readonly from: string;
  /** Name of the host that took it. */
  readonly by: string;
  readonly text: string;
}

export interface PostfixLab extends Omit<RunningPostfix, 'messages'> {
  arrived(): readonly Arrived[];
  /** Waits for `count` messages to this recipient. */
  arrives(to: string, count?: number): Promise<readonly Arrived[]>;
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
  const { messages, log, close } = await runPostfix({
    ports: hosts.map((host) => ({ ...host, options: { myhostname: host.name, ...host.options } })),
    options: {
      myhostname: 'lab.test',
      smtpd_relay_restrictions: 'permit_auth_destination,reject',
      smtpd_recipient_restrictions: `check_recipient_access inline:{ ${BY_LOCAL_PART} },permit_auth_destination,reject`,
      smtpd_client_connection_rate_limit: '0',
      smtpd_soft_error_limit: '100',
      append_dot_mydomain: 'no',
    },
    certificate,
  });
  const arrived = (): readonly Arrived[] =>
    messages().map((text) => ({
      to: /^X-Original-To: (.*)$/m.exec(text)?.[1] ?? '',
      from: /^Return-Path: <(.*)>$/m.exec(text)?.[1] ?? '',
      by: /^Received: from [^\n]*\n\tby (\S+)/m.exec(text)?.[1] ?? '',
      text,
    }));
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
