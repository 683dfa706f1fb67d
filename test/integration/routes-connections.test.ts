/** How many connections the whole program has open to one host, and what it does when a host has had enough of one. */
import net from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { GATEWAY_CONNECTIONS, MX_CONNECTIONS } from '../../main/delivery/connection-pool.ts';
import { canRunDnsmasq, startDnsmasq } from '../support/dnsmasq.ts';
import { keepDuringTest, keepUntilEnd } from '../support/kept.ts';
import { mailWorldMissing, startMailWorld } from '../support/mail-world.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { eventually, gateway, startProgramLab, type ProgramLab } from '../support/program-lab.ts';
import { greetedClient, submitOver } from '../support/smtp-load.ts';

interface CountingServer {
  readonly port: number;
  /** X-Load fields of the messages taken (answered with 250), each as often as it was taken. */
  readonly taken: readonly string[];
  /** Messages taken over each connection. */
  readonly perConnection: readonly number[];
  /** Most connections that were open at the same time; one that the server has ended is not open. */
  most(): number;
  open(): number;
  /** Lets replies to messages go out from now on. */
  answer(): void;
  close(): Promise<void>;
}

interface Habits {
  /** Replies to messages are kept back until `answer`. */
  readonly slow?: boolean;
  /** What the connection hears instead of the usual reply; null = the usual one. 421 ends the connection. */
  readonly refusal?: (moment: 'greeting' | 'mail' | 'message', takenOverThis: number, open: number) => string | null;
}

/** An SMTP server that counts. */
async function startCountingServer(habits: Habits = {}, host = '127.0.0.1'): Promise<CountingServer> {
  const sockets = new Set<net.Socket>();
  const taken: string[] = [];
  const perConnection: number[] = [];
  let waiting: (() => void)[] = [];
  let answers = habits.slow !== true;
  let most = 0;
  const server = net.createServer((socket) => {
    const number = perConnection.push(0) - 1;
    sockets.add(socket);
    most = Math.max(most, sockets.size);
    const gone = (): void => {
      sockets.delete(socket);
    };
    socket.on('error', gone);
    socket.on('close', gone);
    const end = (): void => {
      gone();
      socket.end();
    };
    const say = (usual: string, moment?: Parameters<NonNullable<Habits['refusal']>>[0]): boolean => {
      const refusal = moment ? (habits.refusal?.(moment, perConnection[number] ?? 0, sockets.size) ?? null) : null;
      socket.write(`${refusal ?? usual}\r\n`);
      if (refusal?.startsWith('421') === true) end();
      return refusal === null;
    };
    let rest = '';
    let inside = false;
    socket.on('data', (chunk) => {
      rest += chunk.toString('latin1');
      for (;;) {
        const mark = inside ? '\r\n.\r\n' : '\r\n';
        const at = rest.indexOf(mark);
        if (at < 0 || socket.writableEnded) return;
        const piece = rest.slice(0, at);
        rest = rest.slice(at + mark.length);
        if (inside) {
          inside = false;
          const name = /^X-Load: (.*)$/m.exec(piece)?.[1] ?? '?';
          const reply = (): void => {
            if (!say('250 2.0.0 taken', 'message')) return;
            taken.push(name);
            perConnection[number] = (perConnection[number] ?? 0) + 1;
          };
          if (answers) reply();
          else waiting.push(reply);
          continue;
        }
        const verb = piece.slice(0, 4).toUpperCase();
        if (verb === 'EHLO') say('250-many.test\r\n250 8BITMIME');
        else if (verb === 'MAIL') say('250 2.1.0 ok', 'mail');
        else if (verb === 'DATA') {
          inside = true;
          say('354 go on');
        } else if (verb === 'QUIT') {
          say('221 2.0.0 bye');
          end();
        } else say('250 2.0.0 ok');
      }
    });
    say('220 many.test ESMTP', 'greeting');
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    taken,
    perConnection,
    most: () => most,
    open: () => sockets.size,
    answer() {
      answers = true;
      for (const reply of waiting.splice(0)) reply();
      waiting = [];
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Hands the messages in while nothing goes out, then lets them go. */
async function submitAll(lab: ProgramLab, names: readonly string[], to: (n: number) => string): Promise<void> {
  await lab.call('control.pause', {});
  const client = await greetedClient(lab.port);
  if (!client) throw new Error('nobody listens');
  for (const [n, name] of names.entries()) expect(await submitOver(client, name, { to: to(n) })).toMatch(/^250/);
  client.close();
  await lab.call('control.resume', {});
}

async function allSent(lab: ProgramLab): Promise<void> {
  const counts = (): ReturnType<typeof lab.call<'queue.folders'>> => lab.call('queue.folders', {});
  await expect.poll(async () => (await counts()).outbox, { timeout: PATIENCE_MS }).toBe(0);
  expect(await counts()).toMatchObject({ bad: 0, bounced: 0 });
}

const names = (count: number): readonly string[] => Array.from({ length: count }, (_, n) => `m${n}`);
const sorted = (list: readonly string[]): readonly string[] => [...list].sort();

/** Every domain's mail server is the one host: what is counted is connections to it, not to a domain. */
const DOMAINS = 12;
const direct = { to: (n: number) => `u${n}@d${n % DOMAINS}.test` };
const dnsOptions = [
  'host-record=mx.many.test,127.0.0.1',
  ...Array.from({ length: DOMAINS }, (_, n) => `mx-host=d${n}.test,mx.many.test,10`),
];

describe.skipIf(!canRunDnsmasq())('connections to one host', () => {
  const keep = keepDuringTest();
  const keepLonger = keepUntilEnd();
  let dns: string;
  beforeAll(async () => {
    dns = keepLonger(await startDnsmasq(dnsOptions)).server;
  });

  /** The program, and where its mail goes: to the host as the MX of all domains, or as its one gateway. */
  const labFor = async (way: 'direct' | 'gateway', port: number, connection = {}): Promise<ProgramLab> =>
    keep(
      await startProgramLab({
        connection: { dnsServers: [dns], directPort: port, retryMinutes: [0.02], ...connection },
        gateways: way === 'gateway' ? { mode: 'always', list: [gateway('office', port)] } : { mode: 'never' },
      }),
    );

  it.each([
    ['direct', MX_CONNECTIONS],
    ['gateway', GATEWAY_CONNECTIONS],
  ] as const)('%s: never more than %i at once, all of them used again and again', async (way, limit) => {
    const server = keep(await startCountingServer({ slow: true }));
    const lab = await labFor(way, server.port);
    await submitAll(lab, names(60), direct.to);
    // No message is answered: whatever would be opened is opened now.
    await eventually('as many connections as there may be', () => server.open() >= limit);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(server.open()).toBe(limit);
    server.answer();
    await allSent(lab);
    expect(sorted(server.taken)).toEqual(sorted(names(60)));
    expect(server.most()).toBe(limit);
    // A gateway is probed now and then, over a connection without mail.
    expect(server.perConnection.filter((n) => n > 0)).toHaveLength(limit);
  });

  it('after a hundred messages a connection is ended and another one opened', async () => {
    const server = keep(await startCountingServer());
    const lab = await labFor('direct', server.port, { maxOutgoing: 1 });
    await submitAll(lab, names(230), direct.to);
    await allSent(lab);
    expect(sorted(server.taken)).toEqual(sorted(names(230)));
    expect(server.most()).toBe(1);
    expect(server.perConnection).toEqual([100, 100, 30]);
  });

  it.each([
    ['at MAIL', 'mail'],
    ['in place of taking the message', 'message'],
  ] as const)('421 %s after seven messages: every message arrives, each once', async (_, at) => {
    for (const way of ['direct', 'gateway'] as const) {
      const server = keep(
        await startCountingServer({
          refusal: (moment, taken) =>
            moment === at && taken >= 7 ? '421 4.7.0 Too many messages on this connection' : null,
        }),
      );
      const lab = await labFor(way, server.port);
      await submitAll(lab, names(60), direct.to);
      await allSent(lab);
      expect(sorted(server.taken)).toEqual(sorted(names(60)));
      expect(Math.max(...server.perConnection)).toBe(7);
      expect(server.most()).toBeLessThanOrEqual(way === 'direct' ? MX_CONNECTIONS : GATEWAY_CONNECTIONS);
    }
  });

  it('421 to all but two connections: the mail goes over the two, each message once', async () => {
    const server = keep(
      await startCountingServer({
        refusal: (moment, _, open) => (moment === 'greeting' && open > 2 ? '421 4.7.0 Too many connections' : null),
      }),
    );
    const lab = await labFor('direct', server.port);
    await submitAll(lab, names(60), direct.to);
    await allSent(lab);
    expect(sorted(server.taken)).toEqual(sorted(names(60)));
  });
});

const missing = mailWorldMissing();
/** Mail servers of the mail world. */
const HOSTS = 8;

describe.skipIf(missing !== null)(`connections to Postfix${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  const keep = keepUntilEnd();

  it('its own log has never more than five of ours at once, and few in all', async () => {
    const world = keep(await startMailWorld());
    const lab = keep(await startProgramLab({ connection: { dnsServers: [world.dns], directPort: world.port } }));
    const said = (): readonly string[] => world.postfix.log().match(/: (?:dis)?connect from [^\n]*/g) ?? [];
    // Every host was asked once whether it answers.
    await eventually('silence after the start', () => said().length === 2 * HOSTS);
    const before = said().length;
    await submitAll(lab, names(60), (n) => `many${n}@order.test`);
    await allSent(lab);
    await eventually(
      'every message at its place',
      () => world.postfix.arrived().filter((m) => m.to.startsWith('many')).length >= 60,
    );
    const arrived = world.postfix.arrived().filter((m) => m.to.startsWith('many'));
    expect(new Set(arrived.map((m) => m.to)).size).toBe(60);
    expect(arrived).toHaveLength(60);
    let open = 0;
    let most = 0;
    let connections = 0;
    for (const line of said().slice(before)) {
      open += line.startsWith(': connect') ? 1 : -1;
      if (line.startsWith(': connect')) connections += 1;
      most = Math.max(most, open);
    }
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(MX_CONNECTIONS);
    expect(connections).toBeLessThanOrEqual(MX_CONNECTIONS);
  });
});
