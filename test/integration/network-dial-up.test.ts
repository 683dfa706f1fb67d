import { appendFileSync, chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeEach, expect, it } from 'vitest';
import { describeInLab, EVERYBODY, laptopNetwork } from '../support/laptop-network.ts';
import { firstWaiting, type Gateway, type ProgramInLab } from '../support/laptop.ts';
import type { NetworkLab } from '../support/netns.ts';
import { MOCK_NETWORK_MANAGER, startPrivateBus } from '../support/network-manager.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { dbusMockMissing } from '../support/private-bus.ts';

const mockMissing = dbusMockMissing();

const DAY = 86_400_000;

describeInLab()('the whole program on a dial-up link', { timeout: 180_000 }, () => {
  const net = laptopNetwork();
  let lab: NetworkLab;
  let gateway: Gateway;
  beforeEach(async () => {
    ({ lab } = net);
    gateway = await net.gateway('a', { customers: EVERYBODY });
  });

  const start = (dialUp: object, env: Readonly<Record<string, string>> = {}): Promise<ProgramInLab> =>
    net.program({ gateways: net.through('a'), dialUp }, env);

  it('required: mail waits though a cable is plugged, send now says why, and it leaves on connect', async () => {
    const laptop = await start({ requireConnection: true });
    await lab.plug('b');
    await laptop.statusUntil('the cable', ({ network }) => network.online);
    expect(await laptop.submit('m0')).toMatch(/^250/);
    expect(await laptop.api('control.sendNow', {})).toEqual({ count: 0, phrase: { id: 'hold.dial-up' } });
    await laptop.jump(10 * DAY);
    expect(await laptop.api('control.sendNow', {})).toMatchObject({ count: 0 });
    expect((await laptop.status()).state).toBe('waiting-dial-up');
    expect(gateway.all.filter((line) => 'client' in line)).toEqual([]);
    expect(await firstWaiting(laptop)).toMatchObject({ attempts: 0 });

    const dialled = Date.now();
    await lab.dial();
    const { at, client } = await gateway.takes('m0');
    console.log(`dialled to first arrival: ${Math.round(at - dialled)} ms`);
    expect(client).toBe('192.0.2.2');
    expect((await laptop.emptied()).counts.sent).toBe(1);
  });

  it('hung up in the middle of DATA on a slow line: nobody is blamed, and it goes whole on the next call', async () => {
    const laptop = await start({ requireConnection: true });
    const first = await lab.dial({ delayMs: 400 });
    await laptop.statusUntil('the call', ({ network }) => network.kind === 'ppp');
    await laptop.submit('long', { size: 4_000_000 });
    // Much more than the commands, and seconds before the end: at this delay the line gets up to speed by and by.
    const octets = async (): Promise<number> =>
      Number(await lab.shell(lab.laptop, 'cat /sys/class/net/ppp0/statistics/tx_bytes'));
    await expect.poll(octets, { timeout: PATIENCE_MS }).toBeGreaterThan(50_000);
    await first.hangUp();
    await laptop.statusUntil('the hold', ({ state, sending }) => state === 'waiting-dial-up' && sending === 0);
    expect(gateway.times('long')).toBe(0);
    expect(await firstWaiting(laptop)).toMatchObject({ attempts: 0 });

    await lab.dial({ delayMs: 20 });
    await gateway.takes('long');
    const { counts } = await laptop.emptied();
    expect(counts).toMatchObject({ sent: 1, bad: 0, bounced: 0 });
    expect(gateway.times('long')).toBe(1);
  });

  it('not required: the absence of any link marks nothing bad, however long it lasts', async () => {
    const laptop = await start({});
    await laptop.submit('m1');
    for (let week = 0; week < 3; week += 1) {
      await laptop.jump(7 * DAY);
      await laptop.resume();
      await pause(2100);
    }
    expect(await laptop.status()).toMatchObject({
      state: 'waiting-network',
      counts: { outbox: 1, bad: 0, bounced: 0 },
    });
    expect(await firstWaiting(laptop)).toMatchObject({ attempts: 0 });
    await lab.dial();
    await gateway.takes('m1');
  });

  it('a line that goes up and down while mail comes in loses and repeats nothing', async () => {
    const laptop = await start({ requireConnection: true });
    let sent = 0;
    for (let call = 0; call < 4; call += 1) {
      const link = await lab.dial({ delayMs: 30 });
      for (let n = 0; n < 5; n += 1) await laptop.submit(`u${(sent += 1)}`, { size: 20_000 });
      if (call === 2) link.silent(true);
      await pause(400 + call * 300);
      await link.hangUp();
      await laptop.submit(`u${(sent += 1)}`);
    }
    await lab.dial();
    const { counts } = await laptop.emptied(90_000);
    expect(counts).toMatchObject({ sent, bad: 0, bounced: 0 });
    const ids = gateway.all.flatMap(({ id }) => (id === undefined ? [] : [id]));
    expect(new Set(ids).size).toBe(sent);
    expect(ids.length - sent).toBeLessThanOrEqual(laptop.unsure());
  });

  it.skipIf(mockMissing !== null)(
    "dials by the system's own means when mail waits, and hangs up when the queue is empty",
    async () => {
      const bus = net.keep(await startPrivateBus(lab));
      const folder = mkdtempSync(path.join(tmpdir(), 'postcast-nmcli-'));
      net.keep({ remove: () => rmSync(folder, { recursive: true, force: true }) });
      const calls = path.join(folder, 'calls');
      const nmcli = path.join(folder, 'nmcli');
      // Stands in for a modem: a call is up once the laboratory has dialled, and down once it has hung up.
      writeFileSync(
        nmcli,
        `#!/bin/sh
case "$*" in
  *' show') echo gsm:Train; exit 0;;
  *up*) echo up >> '${calls}'; while ! ip link show ppp0 >/dev/null 2>&1; do sleep 0.05; done;;
  *down*) echo down >> '${calls}'; while ip link show ppp0 >/dev/null 2>&1; do sleep 0.05; done;;
esac
`,
      );
      chmodSync(nmcli, 0o755);
      appendFileSync(calls, '');
      const said = (): string => (existsSync(calls) ? readFileSync(calls, 'utf8') : '');
      const until = (what: string): Promise<void> => expect.poll(said, { timeout: PATIENCE_MS }).toBe(what);
      const mock = await bus.startMock(MOCK_NETWORK_MANAGER);
      mock.stdin.write('connectivity 4\n');
      const laptop = await start(
        { requireConnection: true, dial: true, hangUp: true },
        { DBUS_SYSTEM_BUS_ADDRESS: bus.address, PATH: `${folder}:${process.env['PATH'] ?? ''}` },
      );
      await pause(1500);
      expect(said()).toBe('');
      await laptop.submit('m2');
      await until('up\n');
      mock.stdin.write('modem Train\n');
      const link = await lab.dial();
      await gateway.takes('m2');
      await until('up\ndown\n');
      await link.hangUp();
      const { dialUp } = await laptop.statusUntil(
        'the end of the call',
        (s) => s.dialUp.lastAction?.id === 'dialUp.hungUp' && s.dialUp.active.length === 0,
      );
      expect(dialUp).toMatchObject({ active: [], lastAction: { params: { name: 'Train' } } });
      expect(laptop.log()).toMatch(/dialUp\.dialling.*Train/);
    },
  );
});
