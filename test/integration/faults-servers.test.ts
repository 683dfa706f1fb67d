/** Servers that misbehave: gateways and mail exchangers (standards §3). */
import { spawn } from 'node:child_process';
import net from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startScriptedServer, WILLING, type Dialogue, type ScriptedServer } from '../fakes/scripted-smtp-server.ts';
import { canRunDnsmasq, startDnsmasq } from '../support/dnsmasq.ts';
import { builtProgram, endWithTest, loadSink, queueId } from '../support/fault-rig.ts';
import { gatewaysAt } from '../support/program-parts.ts';
import type { ProgramRig } from '../support/program-rig.ts';
import { LineClient, submit } from '../support/smtp-load.ts';

const built = builtProgram();

/** A server that does as told with each connection; counts them. */
async function rawServer(
  serve: (socket: net.Socket) => void,
): Promise<{ readonly port: number; readonly connections: () => number }> {
  const sockets = new Set<net.Socket>();
  let connections = 0;
  const server = net.createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as net.AddressInfo).port, connections: () => connections };
}
const scripted = async (dialogue: Dialogue): Promise<ScriptedServer> =>
  endWithTest(await startScriptedServer(dialogue));
const tick = (socket: net.Socket, text: string, everyMs: number): void => {
  const timer = setInterval(() => {
    if (socket.writable) socket.write(text, 'latin1');
  }, everyMs);
  socket.on('close', () => {
    clearInterval(timer);
  });
};
const states = async (rig: ProgramRig, id: string): Promise<readonly string[]> => {
  const found = await rig.program.api['queue.show']({ id });
  return found.ok ? found.value.recipients.map((r) => r.state) : [];
};

describe('a gateway that is no good: the next one has the message within seconds, once', () => {
  const bad: readonly (readonly [string, (socket: net.Socket) => void])[] = [
    ['never says a word', () => undefined],
    [
      'one octet of its banner a second',
      (s) => {
        tick(s, '2', 1_000);
      },
    ],
    [
      '421',
      (s) => {
        s.end('421 4.3.2 not now\r\n');
      },
    ],
    [
      '554',
      (s) => {
        s.end('554 5.7.1 go away\r\n');
      },
    ],
    [
      'HTTP',
      (s) => {
        s.end('HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<html></html>\r\n');
      },
    ],
    [
      'an endless banner of lines',
      (s) => {
        endless(s, `220-${'x'.repeat(500)}\r\n`);
      },
    ],
    [
      'an endless line',
      (s) => {
        endless(s, 'x'.repeat(4096));
      },
    ],
    [
      'an endless answer to EHLO',
      (s) => {
        s.write('220 hello\r\n');
        s.once('data', () => {
          endless(s, `250-${'x'.repeat(500)}\r\n`);
        });
      },
    ],
    [
      'hangs up at once',
      (s) => {
        s.end();
      },
    ],
    [
      'resets',
      (s) => {
        s.resetAndDestroy();
      },
    ],
    [
      'binary noise',
      (s) => {
        s.write(Buffer.from([0, 255, 22, 3, 1, 2, 0, 10, 13, 10, 0]));
      },
    ],
    [
      'silent after EHLO',
      (s) => {
        s.write('220 hello\r\n');
      },
    ],
  ];
  /** Writes for as long as the other side reads. */
  function endless(socket: net.Socket, piece: string): void {
    const block = piece.repeat(64);
    const more = (): void => {
      while (socket.writable && socket.write(block, 'latin1'));
    };
    socket.on('drain', more);
    more();
  }

  test.each(bad)('%s', async (what, serve) => {
    const first = await rawServer(serve);
    const sink = await loadSink();
    const rig = await built.start({
      settings: {
        gateways: gatewaysAt([first.port, sink.port], { headStartMs: 500 }),
        // Longer than the message may take: the next gateway has it without waiting for this. What falls silent later
        // than in its greeting does cost this time.
        connection: { serverTimeoutSeconds: what === 'silent after EHLO' ? 5 : 120 },
      },
    });
    const before = process.memoryUsage().rss;
    expect(await submit(rig.port, 'one')).toMatch(/^250/);
    await expect.poll(() => sink.arrived.get('one'), { interval: 20 }).toBe(1);
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
    // More of it: the bad one is remembered, each message goes once.
    for (let i = 0; i < 5; i += 1) await submit(rig.port, `more${i}`);
    await expect.poll(() => sink.arrived.size).toBe(6);
    expect([...sink.arrived.values()]).toEqual([1, 1, 1, 1, 1, 1]);
    expect(first.connections()).toBeLessThan(6);
  });

  // Windows stops no process (SIGSTOP).
  test.skipIf(process.platform === 'win32')('a black hole: packets vanish', async () => {
    // A process that was stopped accepts nothing; once its queue is full the kernel drops what comes.
    const child = spawn(
      process.execPath,
      [
        '-e',
        `const s = require('net').createServer(); s.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(s.address().port))`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    const port = await new Promise<number>((resolve) => {
      child.stdout.once('data', (data: Buffer) => {
        resolve(Number(data.toString()));
      });
    });
    child.kill('SIGSTOP');
    const fillers = Array.from({ length: 4 }, () => net.connect(port, '127.0.0.1').on('error', () => undefined));
    onTestFinished(() => {
      for (const filler of fillers) filler.destroy();
    });
    // As many as its queue holds get in; the others' packets are dropped by then.
    await expect.poll(() => fillers.filter((f) => !f.connecting).length).toBe(2);
    const sink = await loadSink();
    const rig = await built.start({
      settings: {
        gateways: gatewaysAt([port, sink.port], { headStartMs: 500 }),
        connection: { serverTimeoutSeconds: 120 },
      },
    });
    await submit(rig.port, 'hole');
    await expect.poll(() => sink.arrived.get('hole'), { interval: 20 }).toBe(1);
  });
});

describe('a server', () => {
  test('that closes after DATA: temporary, sent again in full later, never lost', async () => {
    let closing = true;
    const server = await scripted({ message: () => (closing ? { then: 'close' } : '250 ok') });
    const rig = await built.start({
      settings: { gateways: gatewaysAt([server.port]), connection: { retryMinutes: [0.01] } },
    });
    const id = queueId(await submit(rig.port, 'closed'));
    await expect.poll(() => server.messages().length).toBeGreaterThan(0);
    await expect.poll(() => states(rig, id)).toEqual(['deferred']);
    closing = false;
    await expect.poll(() => states(rig, id)).toEqual(['relayed']);
  });

  test('that says 250 and dies: done, never sent again', async () => {
    const server = await scripted({ message: { send: '250 2.0.0 taken', then: 'reset' } });
    const rig = await built.start({
      settings: { gateways: gatewaysAt([server.port]), connection: { retryMinutes: [0.01] } },
    });
    const ids = [];
    for (let i = 0; i < 5; i += 1) ids.push(queueId(await submit(rig.port, `died${i}`)));
    for (const id of ids) await expect.poll(() => states(rig, id)).toEqual(['relayed']);
    expect(server.messages()).toHaveLength(5);
  });

  test('that says 4xx for ever is asked again on the schedule, not hammered', async () => {
    const server = await scripted({ 'RCPT TO': '451 4.7.1 greylisted' });
    const rig = await built.start({
      settings: { gateways: gatewaysAt([server.port]), connection: { retryMinutes: [60] } },
    });
    const ids: string[] = [];
    for (let i = 0; i < 10; i += 1) ids.push(queueId(await submit(rig.port, `grey${i}`)));
    const asked = (): number => server.sessions.flatMap((s) => s.lines).filter((l) => l.startsWith('RCPT')).length;
    /** Each was tried so often, and the next time is far away: nothing more happens by itself. */
    const restAfter = async (attempts: number): Promise<void> => {
      for (const id of ids) {
        await expect
          .poll(async () => {
            const found = await rig.program.api['queue.show']({ id });
            const [one] = found.ok ? found.value.recipients : [];
            const minutes = ((one?.nextAt ?? 0) - Date.now()) / 60_000;
            return { state: one?.state, attempts: one?.attempts, later: minutes > 30 };
          })
          .toEqual({ state: 'deferred', attempts, later: true });
      }
      expect(asked()).toBe(10 * attempts);
    };
    await restAfter(1);
    // *Send now* asks once more, and no more.
    await rig.program.api['control.sendNow']({});
    await restAfter(2);
  });

  test('that takes ten recipients and says 452 to the rest gets the rest soon, in few connections, each one once', async () => {
    const taken: string[] = [];
    let inTransaction = 0;
    const server = await scripted({
      EHLO: ['250-mx.example.test', '250 8BITMIME'],
      'MAIL FROM': () => {
        inTransaction = 0;
        return '250 ok';
      },
      'RCPT TO': (line) => {
        inTransaction += 1;
        if (inTransaction > 10) return '452 4.5.3 too many recipients';
        taken.push(line);
        return '250 ok';
      },
    });
    const rig = await built.start({ settings: { gateways: gatewaysAt([server.port]) } });
    const client = new LineClient(rig.port);
    await client.reply();
    for (const line of ['EHLO c.example.test', 'MAIL FROM:<ann@home.test>']) await client.say(line);
    for (let i = 0; i < 45; i += 1) expect(await client.say(`RCPT TO:<r${i}@example.test>`)).toMatch(/^250/);
    await client.say('DATA');
    const id = queueId(await client.say('Subject: many\r\n\r\nx\r\n.'));
    client.close();
    await expect.poll(async () => (await states(rig, id)).filter((s) => s === 'relayed').length).toBe(45);
    expect(new Set(taken).size).toBe(45);
    expect(taken).toHaveLength(45);
    expect(server.sessions.length).toBeLessThanOrEqual(5);
  });

  test('smuggling out: what a mail program hid in its text stays one message at the server', async () => {
    const server = await scripted({ ...WILLING });
    const rig = await built.start({ settings: { gateways: gatewaysAt([server.port]) } });
    const client = new LineClient(rig.port);
    await client.reply();
    for (const line of ['EHLO c.example.test', 'MAIL FROM:<ann@home.test>', 'RCPT TO:<bob@example.test>', 'DATA']) {
      await client.say(line);
    }
    client.socket.write(
      'Subject: x\r\n\r\nfirst\r\n..\r\nMAIL FROM:<evil@x.test>\r\nRCPT TO:<v@x.test>\r\nDATA\r\n\r\nsecond\r\n.\r\n',
      'latin1',
    );
    expect(await client.reply()).toMatch(/^250/);
    client.close();
    await expect.poll(() => server.messages().length).toBe(1);
    expect(server.messages()[0]).toContain('\r\n.\r\nMAIL FROM:<evil@x.test>\r\n');
    const commands = server.sessions.flatMap((s) => s.lines);
    expect(commands.filter((l) => l.startsWith('MAIL'))).toHaveLength(1);
    expect(commands.join('\n')).not.toContain('evil');
  });
});

describe('DNS', () => {
  test('that never answers: the mail is kept, no attempt counts, nothing bounces', async () => {
    const dead = await import('node:dgram').then(({ createSocket }) => createSocket('udp4'));
    await new Promise<void>((resolve) => dead.bind(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      dead.close();
    });
    const rig = await built.start({
      settings: {
        administration: { undeliverableAfter: { value: 1, unit: 'attempts' } },
        connection: {
          dnsServers: [`127.0.0.1:${dead.address().port}`],
          dnsTimeoutSeconds: 1,
          retryMinutes: [0.05],
        },
      },
    });
    const id = queueId(await submit(rig.port, 'dead'));
    await expect
      .poll(
        async () => {
          const found = await rig.program.api['queue.show']({ id });
          const { state, attempts } = (found.ok ? found.value.recipients[0] : undefined) ?? {};
          // Tried several times, and none of them counts.
          return state === 'deferred' && found.ok && found.value.timeline.length >= 2 ? attempts : state;
        },
        { timeout: 40_000 },
      )
      .toBe(0);
  });

  test('SERVFAIL is temporary', async () => {
    // Answers every question with code 2.
    const server = await import('node:dgram').then(({ createSocket }) => createSocket('udp4'));
    server.on('message', (question, from) => {
      const answer = Buffer.from(question);
      answer[2] = 0x81;
      answer[3] = 0x82;
      server.send(answer, from.port, from.address);
    });
    await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.close();
    });
    const rig = await built.start({
      settings: { connection: { dnsServers: [`127.0.0.1:${server.address().port}`] } },
    });
    const id = queueId(await submit(rig.port, 'servfail'));
    await expect.poll(() => states(rig, id)).toEqual(['deferred']);
  });

  describe.runIf(canRunDnsmasq())('that lies', () => {
    test.each([
      ['MX on loopback', ['mx-host=lie.test,mx.lie.test,10', 'host-record=mx.lie.test,127.0.0.1']],
      ['MX on another loopback address', ['mx-host=lie.test,mx.lie.test,10', 'host-record=mx.lie.test,127.7.7.7']],
      ['MX on the IPv6 loopback', ['mx-host=lie.test,mx.lie.test,10', 'host-record=mx.lie.test,::1']],
      ['MX on 0.0.0.0', ['mx-host=lie.test,mx.lie.test,10', 'host-record=mx.lie.test,0.0.0.0']],
      [
        'MX on an IPv4-mapped loopback',
        ['mx-host=lie.test,mx.lie.test,10', 'host-record=mx.lie.test,::ffff:127.0.0.1'],
      ],
      ['MX named localhost', ['mx-host=lie.test,localhost,10', 'address=/localhost/127.0.0.1']],
      ['no MX, address on loopback', ['host-record=lie.test,127.0.0.1']],
    ])('%s: no service of this computer is reached', async (_, records) => {
      const local = await rawServer((s) => {
        s.write('220 local service\r\n');
      });
      const dns = await startDnsmasq(records);
      onTestFinished(() => dns.close());
      const rig = await built.start({
        settings: { connection: { dnsServers: [dns.server], directPort: local.port, retryMinutes: [0.01] } },
      });
      const id = queueId(await submit(rig.port, 'lie', { to: 'bob@lie.test' }));
      // It was tried, and again if it is to be tried again.
      await expect
        .poll(async () => {
          const found = await rig.program.api['queue.show']({ id });
          if (!found.ok) return found.error.message;
          const [one] = found.value.recipients;
          return found.value.folder !== 'outbox' || (one?.attempts ?? 0) >= 2 || found.value.timeline.length >= 2;
        })
        .toBe(true);
      expect(local.connections()).toBe(0);
    });
  });
});
