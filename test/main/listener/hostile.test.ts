import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { StoreError } from '../../../main/queue/queue-store.ts';
import { Client, greeted, inData, startListener, type Harness } from './harness.ts';

let h: Harness;
afterEach(() => h.close());

/** A normal client gets a message through. */
async function normalClient(port: number): Promise<string> {
  const client = await inData(port);
  client.write('Subject: x\r\n\r\nhello\r\n.\r\n');
  const reply = await client.reply();
  client.end();
  return reply;
}

/** Runs `work` and returns how long the event loop stood still at most, in milliseconds. */
async function longestBlock(work: () => Promise<void>): Promise<number> {
  let longest = 0;
  let last = process.cpuUsage();
  const timer = setInterval(() => {
    const used = process.cpuUsage(last);
    // Processor time, not time on the wall: a busy machine must not look like a program that is held up.
    longest = Math.max(longest, (used.user + used.system) / 1000);
    last = process.cpuUsage();
  }, 5);
  await work();
  clearInterval(timer);
  return longest;
}

describe('recipients', () => {
  test('10,000 RCPT in a burst: 1,000 are accepted, the rest get 452, the message goes to the accepted ones', async () => {
    h = await startListener();
    const client = await greeted(h.port);
    await client.say('MAIL FROM:<a@example.test>');
    client.write(Array.from({ length: 10_000 }, (_, i) => `RCPT TO:<r${i}@example.test>\r\n`).join(''));
    let accepted = 0;
    for (let i = 0; i < 10_000; i++) {
      const reply = await client.reply();
      if (reply.startsWith('250 2.1.5')) accepted++;
      else expect(reply).toMatch(/^452 4\.5\.3 /);
    }
    expect(accepted).toBe(1000);
    expect(await client.say('RCPT TO:<r1@example.test>')).toMatch(/^250/); // a repeated one is no further one
    await client.say('DATA');
    expect(await client.say('.')).toMatch(/^250/);
    expect(h.stored[0]?.message.recipients.length).toBe(1000);
    client.end();
  });
});

describe('octets', () => {
  test('an endless command line is answered once and closed', async () => {
    h = await startListener();
    const client = await greeted(h.port);
    client.write('NOOP ');
    for (let i = 0; i < 40; i++) client.write('x'.repeat(1000));
    expect(await client.reply()).toMatch(/^500 5\.5\.2 /);
    await client.closed();
  });

  test('an endless text line is refused once it ends', async () => {
    h = await startListener();
    const client = await inData(h.port);
    client.write(`Subject: x\r\n\r\n${'x'.repeat(1_100_000)}\r\n.\r\n`);
    expect(await client.reply()).toMatch(/^554 5\.6\.0 .*line/);
    expect(h.open()).toBe(0);
    client.end();
  });

  test('a line of 100,000 octets is accepted as it is', async () => {
    h = await startListener();
    const client = await inData(h.port);
    client.write(`Subject: x\r\n\r\n${'x'.repeat(100_000)}\r\n.\r\n`);
    expect(await client.reply()).toMatch(/^250/);
    expect(h.stored[0]?.bytes.toString('latin1').endsWith(`\r\n\r\n${'x'.repeat(100_000)}\r\n`)).toBe(true);
    client.end();
  });

  test('a header of 2 MB is refused without holding the program up', async () => {
    h = await startListener();
    const client = await inData(h.port);
    const blocked = await longestBlock(async () => {
      client.write(`X-Long: ${`${'x'.repeat(70)}\r\n `.repeat(30_000)}\r\n\r\n.\r\n`);
      expect(await client.reply()).toMatch(/^554 5\.6\.0 .*header/);
    });
    expect(blocked).toBeLessThan(200);
    client.end();
  });

  test('50,000 header fields are accepted without holding the program up', async () => {
    h = await startListener();
    const client = await inData(h.port);
    const fields = Array.from({ length: 50_000 }, (_, i) => `X-${i}: y\r\n`).join('');
    const blocked = await longestBlock(async () => {
      client.write(`${fields}\r\nbody\r\n.\r\n`);
      expect(await client.reply()).toMatch(/^250/);
    });
    expect(blocked).toBeLessThan(200);
    expect(h.stored[0]?.bytes.toString('latin1').endsWith(`${fields}\r\nbody\r\n`)).toBe(true);
    client.end();
  });

  test('a header sent octet by octet costs no more than one sent at once', async () => {
    h = await startListener();
    const client = await inData(h.port);
    client.socket.setNoDelay(true);
    const text = `Subject: ${'x'.repeat(3000)}\r\n\r\nbody\r\n.\r\n`;
    for (const octet of text) client.write(octet);
    expect(await client.reply()).toMatch(/^250/);
    client.end();
  });

  test('an oversize message is answered at its end, and nothing of it is kept', async () => {
    h = await startListener({ maxMessageBytes: 300_000 });
    const client = await inData(h.port);
    client.write(`Subject: x\r\n\r\n${`${'x'.repeat(98)}\r\n`.repeat(4000)}`);
    client.write('.\r\n');
    expect(await client.reply()).toMatch(/^552 5\.3\.4 /);
    expect(h.stored.length + h.open()).toBe(0);
    expect(await client.say('NOOP')).toMatch(/^250/);
    client.end();
  });

  test('a message without end is cut off at twice the limit', async () => {
    h = await startListener({ maxMessageBytes: 100_000 });
    const client = await inData(h.port);
    const block = 'x'.repeat(62).concat('\r\n').repeat(1000);
    for (let i = 0; i < 100 && client.socket.writable; i++) {
      client.write(block);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await client.closed()).toMatch(/^552 5\.3\.4 /);
    expect(h.stored.length + h.open()).toBe(0);
  });

  test('a large message reaches the store in bounded pieces, a small one in one write', async () => {
    h = await startListener();
    const client = await inData(h.port);
    const body = `${'x'.repeat(76)}\r\n`.repeat(40_000);
    client.write(`Subject: x\r\n\r\n${body}.\r\n`);
    expect(await client.reply()).toMatch(/^250/);
    expect(h.stored[0]?.writes).toBeGreaterThan(5);
    expect(h.stored[0]?.bytes.toString('latin1').endsWith(`Subject: x\r\n\r\n${body}`)).toBe(true);
    expect(await normalClient(h.port)).toMatch(/^250/);
    expect(h.stored[1]?.writes).toBe(1);
    client.end();
  });
});

describe('connections', () => {
  test('clients that vanish in DATA leave nothing behind', async () => {
    h = await startListener();
    const clients = await Promise.all(Array.from({ length: 20 }, () => inData(h.port)));
    for (const client of clients) {
      client.write('Subject: x\r\n\r\nhalf a mess');
      client.socket.resetAndDestroy();
    }
    expect(await normalClient(h.port)).toMatch(/^250/);
    await expect.poll(() => h.open()).toBe(0);
    expect(h.stored.length).toBe(1);
  });

  test('a storm of resets does no harm', async () => {
    h = await startListener();
    await Promise.all(
      Array.from({ length: 300 }, async () => {
        await new Promise<void>((resolve) => {
          const socket = connect({ port: h.port, host: '127.0.0.1' }, () => {
            socket.write('EHLO x\r\nMAIL FROM:<a@example.test>\r\n');
            socket.resetAndDestroy();
            resolve();
          });
          socket.on('error', () => resolve());
        });
      }),
    );
    expect(await normalClient(h.port)).toMatch(/^250/);
  });

  test('a client that never reads replies is not read from for ever', async () => {
    h = await startListener();
    const client = await greeted(h.port);
    client.socket.pause();
    let taken = 0;
    const line = 'NOOP\r\n'.repeat(20_000);
    // Until what the server takes off our hands stops growing.
    for (let before = -1; before !== taken;) {
      before = taken;
      while (client.socket.writableLength < 2_500_000) client.socket.write(line);
      await new Promise((resolve) => setTimeout(resolve, 150));
      taken = client.socket.bytesWritten - client.socket.writableLength;
    }
    expect(taken).toBeLessThan(24_000_000);
    expect(await normalClient(h.port)).toMatch(/^250/);
    client.end();
  });

  test('1,000 idle connections: a normal client is still served, the one idle longest makes way', async () => {
    h = await startListener();
    const idle = await Promise.all(
      Array.from({ length: 1000 }, async () => {
        const client = new Client(h.port);
        await client.reply();
        return client;
      }),
    );
    await h.clock.advance(2000);
    expect(await normalClient(h.port)).toMatch(/^250/);
    expect(h.refusals[0]?.reply).toMatch(/^421 /);
    for (const client of idle) client.end();
  });

  test('half a command for ten minutes: 421', async () => {
    h = await startListener();
    const client = await greeted(h.port);
    client.write('NOO');
    await h.clock.advance(599_000);
    await h.clock.advance(30_000);
    expect(await client.reply()).toMatch(/^421 4\.4\.2 /);
    await client.closed();
  });

  test('DATA that trickles: 421 and nothing kept; DATA at a fair rate goes on', async () => {
    h = await startListener();
    const slow = await inData(h.port);
    const fair = await inData(h.port);
    slow.write('Subject: x\r\n');
    fair.write(`Subject: x\r\n\r\n${'x\r\n'.repeat(50_000)}`);
    fair.write('.');
    await expect.poll(() => h.open()).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await h.clock.advance(330_000);
    expect(await slow.reply()).toMatch(/^421 4\.4\.2 /);
    fair.write('\r\n');
    expect(await fair.reply()).toMatch(/^250/);
    expect(h.open()).toBe(0);
    fair.end();
  });

  test('half a line at the end of a connection is not a command', async () => {
    h = await startListener();
    const client = await inData(h.port);
    client.write('Subject: x\r\n\r\nbody\r\n.');
    client.socket.end();
    await client.closed();
    await expect.poll(() => h.open()).toBe(0);
    expect(h.stored).toEqual([]);
  });
});

describe('trouble of our own', () => {
  test.each([
    ['full', '452 4.3.1'],
    ['read-only', '451 4.3.0'],
    ['busy', '451 4.3.0'],
    ['corrupt', '451 4.3.0'],
  ] as const)('the store is %s at commit: %s, then the session goes on', async (reason, code) => {
    h = await startListener();
    h.store.beforeCommit = async () => Promise.reject(new StoreError(reason, 'x'));
    const client = await inData(h.port);
    client.write('Subject: x\r\n\r\n.\r\n');
    expect((await client.reply()).startsWith(code)).toBe(true);
    expect(h.open()).toBe(0);
    h.store.beforeCommit = async () => {};
    expect(await client.say('MAIL FROM:<a@example.test>')).toMatch(/^250/);
    client.end();
  });

  test('the store fails in the middle of a large message: one answer at its end', async () => {
    h = await startListener();
    h.store.beforeWrite = async () => Promise.reject(new StoreError('full', 'x'));
    const client = await inData(h.port);
    client.write(`Subject: x\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(20_000)}.\r\nNOOP\r\n`);
    expect(await client.reply()).toMatch(/^452 4\.3\.1 /);
    expect(await client.reply()).toMatch(/^250/);
    client.end();
  });

  test('250 comes only after the commit', async () => {
    h = await startListener();
    let commit: () => void = () => {};
    h.store.beforeCommit = () =>
      new Promise((resolve) => {
        commit = resolve;
      });
    const client = await inData(h.port);
    client.write('Subject: x\r\n\r\n.\r\n');
    let replied = false;
    const reply = client.reply().then((text) => {
      replied = true;
      return text;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(replied).toBe(false);
    commit();
    expect(await reply).toMatch(/^250/);
    client.end();
  });

  test('disk nearly full: 452 at MAIL, and in time again when there is room', async () => {
    let free = 10 * 1024 ** 2;
    h = await startListener({}, { freeSpace: async () => free });
    const client = await greeted(h.port);
    expect(await client.say('MAIL FROM:<a@example.test>')).toMatch(/^452 4\.3\.1 /);
    free = 200 * 1024 ** 2;
    await h.clock.advance(3000);
    expect(await client.say('MAIL FROM:<a@example.test> SIZE=100000000')).toMatch(/^250/);
    await client.say('RSET');
    free = 100 * 1024 ** 2;
    await h.clock.advance(3000);
    expect(await client.say('MAIL FROM:<a@example.test> SIZE=100000000')).toMatch(/^452 4\.3\.1 /);
    client.end();
  });

  test('a free space that cannot be told keeps nobody out', async () => {
    h = await startListener({}, { freeSpace: async () => Promise.reject(new Error('no statfs here')) });
    expect(await normalClient(h.port)).toMatch(/^250/);
  });
});
