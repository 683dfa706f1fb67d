/** Delivery over real sockets, with few places for messages that stand in no record yet. */
import net from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { AttemptProgress } from '../../../main/delivery/delivery-port.ts';
import { createInFlightLimit, type InFlightLimit } from '../../../main/attempt/in-flight-limit.ts';
import { fakeDns } from '../../fakes/fake-dns.ts';
import { startScriptedServer, type Dialogue, type ScriptedServer } from '../../fakes/scripted-smtp-server.ts';
import { deliveryRig, messageOf, recipientsOf } from '../../support/delivery-rig.ts';

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
});

async function serve(dialogue: Dialogue): Promise<ScriptedServer> {
  const server = await startScriptedServer(dialogue);
  open.push(() => server.close());
  return server;
}

const never = new AbortController().signal;

/** As an attempt keeps it: a place from the first transaction until the record is written. */
function progressWith(places: InFlightLimit): AttemptProgress & { readonly close: () => void } {
  let leave: (() => void) | null = null;
  const close = (): void => {
    leave?.();
    leave = null;
  };
  return {
    begin: async (signal) => {
      leave ??= await places.acquire(signal);
      return true;
    },
    nobodyAccepted: close,
    accepted: async () => Promise.resolve(close()),
    close,
  };
}

/** A way to the server that can be closed at the server's end, connection by connection. */
async function relayTo(port: number): Promise<{ readonly port: number; hangUp(): Promise<void> }> {
  const sockets = new Set<net.Socket>();
  const relay = net.createServer((socket) => {
    const onward = net.connect(port, '127.0.0.1');
    sockets.add(socket);
    for (const each of [socket, onward]) each.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      onward.destroy();
    });
    socket.pipe(onward).pipe(socket);
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  open.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => relay.close(resolve));
  });
  return {
    port: (relay.address() as net.AddressInfo).port,
    hangUp: async () => {
      // Gone once the other end has heard it.
      await Promise.all(
        [...sockets].map((socket) => {
          socket.unpipe();
          socket.end();
          return new Promise((resolve) => socket.on('close', resolve));
        }),
      );
    },
  };
}

function rigFor(ports: readonly number[], connection: object = {}): ReturnType<typeof deliveryRig> {
  const list = ports.map((port, i) => ({ id: `g${i + 1}`, name: `G${i + 1}`, host: '127.0.0.1', port }));
  const rig = deliveryRig({ connection, gateways: { headStartMs: 5_000, list } }, fakeDns({}));
  open.push(() => rig.delivery.close(0));
  return rig;
}

const TEXT = 'Subject: x\r\n\r\nhello\r\n';

it('goes on to the next gateway though others hold all connections and wait for a place', async () => {
  const first = await serve({ 'RCPT TO': '451 4.3.0 not now' });
  const second = await serve({});
  const { delivery } = rigFor([first.port, second.port], { maxOutgoing: 1 });
  const places = createInFlightLimit(() => 1);
  const said = await Promise.all(
    [1, 2, 3].map(async (n) => {
      const progress = progressWith(places);
      const { verdicts } = await delivery.run(
        { kind: 'gateways', ids: ['g1', 'g2'] },
        messageOf(TEXT, { id: `q${n}`, progress }),
        recipientsOf('a@far.test'),
        never,
      );
      progress.close();
      return verdicts.get(1)?.kind;
    }),
  );
  expect(said).toEqual(['delivered', 'delivered', 'delivered']);
});

it('connects anew, and blames nobody, where the server hung up while the message waited for a place', async () => {
  const server = await serve({});
  const relay = await relayTo(server.port);
  const { delivery } = rigFor([relay.port]);
  const places = createInFlightLimit(() => 1);
  const other = await places.acquire(never);
  const progress = progressWith(places);
  let begun = 0;
  const running = delivery.run(
    { kind: 'gateways', ids: ['g1'] },
    messageOf(TEXT, {
      progress: {
        ...progress,
        begin: async (signal) => {
          begun += 1;
          return progress.begin(signal);
        },
      },
    }),
    recipientsOf('a@far.test'),
    never,
  );
  await expect.poll(() => begun).toBe(1);
  await relay.hangUp();
  other();
  const { verdicts, tries } = await running;
  expect(verdicts.get(1)).toMatchObject({ kind: 'delivered' });
  expect(tries).toHaveLength(1);
  expect(delivery.gatewayStates()[0]).toMatchObject({ state: 'works' });
});

it('goes on over a new connection where the server hung up while the record of those taken was written', async () => {
  const server = await serve({});
  const relay = await relayTo(server.port);
  const { delivery } = rigFor([relay.port]);
  const progress = progressWith(createInFlightLimit(() => 1));
  const many = recipientsOf(...Array.from({ length: 130 }, (_, i) => `r${i}@far.test`));
  const { verdicts } = await delivery.run(
    { kind: 'gateways', ids: ['g1'] },
    messageOf(TEXT, {
      progress: {
        ...progress,
        accepted: async (soFar) => {
          await relay.hangUp();
          await progress.accepted(soFar);
        },
      },
    }),
    many,
    never,
  );
  expect([...verdicts.values()].filter((v) => v.kind === 'delivered')).toHaveLength(130);
  expect(server.messages()).toHaveLength(2);
});

it('has on record all that one gateway took, whichever transaction it was in, before another is asked', async () => {
  const first = await serve({ 'RCPT TO': (line) => (line.includes('<r7@') ? '550 5.1.1 no' : '250 ok') });
  const second = await serve({});
  const { delivery } = rigFor([first.port, second.port]);
  const told: (readonly [taken: number, askedElsewhere: number])[] = [];
  const { verdicts } = await delivery.run(
    { kind: 'gateways', ids: ['g1', 'g2'] },
    messageOf(TEXT, {
      progress: {
        ...progressWith(createInFlightLimit(() => 1)),
        accepted: async (soFar) => {
          const taken = [...soFar.verdicts.values()].filter((v) => v.kind === 'delivered').length;
          return Promise.resolve(void told.push([taken, second.sessions.length]));
        },
      },
    }),
    recipientsOf(...Array.from({ length: 130 }, (_, i) => `r${i}@far.test`)),
    never,
  );
  expect([...verdicts.values()].every((v) => v.kind === 'delivered')).toBe(true);
  expect(told).toEqual([
    [99, 0],
    [129, 0],
  ]);
});

it('remembers who may have been taken, though the network goes while the others are on their way to another gateway', async () => {
  const first = await serve({
    'RCPT TO': (line) => (line.includes('<b@') ? '550 5.1.1 no' : '250 ok'),
    message: { then: 'close' },
  });
  const second = await serve({ greeting: { then: 'silence' } });
  const { delivery } = rigFor([first.port, second.port]);
  const gone = new AbortController();
  const running = delivery.run(
    { kind: 'gateways', ids: ['g1', 'g2'] },
    messageOf(TEXT),
    recipientsOf('a@far.test', 'b@far.test'),
    gone.signal,
  );
  await expect.poll(() => second.sessions).toHaveLength(1);
  gone.abort(new Error('the network is gone'));
  expect((await running).verdicts.get(1)).toMatchObject({ kind: 'deferred', why: 'lost-after-dot' });
});
