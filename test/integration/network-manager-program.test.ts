/** The whole program and NetworkManager's words: a log-in page, a modem, a VPN, names of networks. */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keepDuringTest, keepUntilEnd } from '../support/kept.ts';
import { createNetworkLab, HEAD_OFFICE, labMissing, networkOf, type NetworkLab } from '../support/netns.ts';
import {
  bundleProgram,
  firstWaiting,
  startGateway,
  startProgramInLab,
  type Arrival,
  type Lines,
  type ProgramBundle,
  type ProgramInLab,
} from '../support/laptop.ts';
import {
  MOCK_NETWORK_MANAGER,
  networkManagerMissing,
  startPrivateBus,
  type PrivateBus,
} from '../support/network-manager.ts';
import { dbusMockMissing } from '../support/private-bus.ts';

const missing = labMissing() ?? networkManagerMissing();
if (missing !== null) console.warn(`NetworkManager tests skipped: ${missing}`);
const mockMissing = dbusMockMissing();

/** A machine that is busy with other tests takes ten times as long as this laboratory by itself. */
const PATIENCE_MS = 60_000;

describe.skipIf(missing !== null)('the whole program with NetworkManager', { timeout: 300_000 }, () => {
  const keepBundle = keepUntilEnd();
  const keep = keepDuringTest();
  let bundle: ProgramBundle;
  let lab: NetworkLab;
  let bus: PrivateBus;
  let provider: Lines<Arrival>;
  let program: ProgramInLab | null = null;

  beforeAll(async () => {
    bundle = keepBundle(await bundleProgram());
  });
  beforeEach(async () => {
    lab = keep(await createNetworkLab());
    bus = keep(await startPrivateBus(lab));
    const { a } = lab.isps;
    provider = await startGateway(lab, { namespace: a.namespace, address: a.gateway, customers: networkOf(a) });
  });
  afterEach(async () => {
    await program?.stop();
    program = null;
  });

  async function start(settings: object): Promise<ProgramInLab> {
    program = await startProgramInLab(lab, bundle, settings, { DBUS_SYSTEM_BUS_ADDRESS: bus.address });
    return program;
  }
  const byProvider = (): object => ({
    gateways: { mode: 'always', list: [{ id: 'a', name: 'Provider', host: lab.isps.a.gateway }] },
  });
  const arrived = (subject: string): Promise<Arrival> =>
    provider.until(subject, ({ id }) => id === subject, PATIENCE_MS);
  /** Nobody has knocked at the provider's door. */
  const untouched = (): boolean => !provider.all.some((line) => 'client' in line);

  describe.skipIf(mockMissing !== null)('as it is mocked', () => {
    const startMock = async (): Promise<(line: string) => void> => {
      const mock = await bus.startMock(MOCK_NETWORK_MANAGER);
      return (line) => void mock.stdin.write(`${line}\n`);
    };

    it('a log-in page: the queue holds, says so in plain words, counts nothing, and goes once it is gone', async () => {
      const tell = await startMock();
      const laptop = await start(byProvider());
      await lab.plug('a');
      const { state, phrases } = await laptop.statusUntil('the page', ({ network }) => network.portal, PATIENCE_MS);
      expect(state).toBe('waiting-network');
      expect(phrases).toContainEqual({ id: 'hold.captive-portal' });
      await laptop.submit('held');
      expect(await laptop.api('control.sendNow', {})).toEqual({ count: 0, phrase: { id: 'hold.captive-portal' } });
      await laptop.jump(10 * 86_400_000);
      expect(await firstWaiting(laptop)).toMatchObject({ attempts: 0 });
      expect(untouched()).toBe(true);

      tell('connectivity 4');
      await arrived('held');
      const { counts } = await laptop.statusUntil('an empty Outbox', (s) => s.counts.outbox === 0, PATIENCE_MS);
      expect(counts).toMatchObject({ sent: 1, bad: 0, bounced: 0 });
    });

    it('a modem that the kernel takes for a cable is the dial-up connection that is required', async () => {
      const tell = await startMock();
      tell('connectivity 4');
      const laptop = await start({ ...byProvider(), dialUp: { requireConnection: true } });
      await lab.plug('a');
      const held = await laptop.statusUntil('the cable', ({ network }) => network.online, PATIENCE_MS);
      expect(held).toMatchObject({ state: 'waiting-dial-up', network: { kind: 'ethernet' } });
      await laptop.submit('by modem');
      expect(await firstWaiting(laptop)).toMatchObject({ attempts: 0 });
      expect(untouched()).toBe(true);

      tell('stick Train');
      await arrived('by modem');
      const up = await laptop.statusUntil('an empty Outbox', ({ counts }) => counts.outbox === 0, PATIENCE_MS);
      expect(up).toMatchObject({ network: { kind: 'mobile', name: 'Train' }, dialUp: { active: ['Train'] } });

      tell('none');
      await laptop.statusUntil('the hold', (s) => s.state === 'waiting-dial-up', PATIENCE_MS);
    });

    it('a VPN that comes up brings the gateways that are kept for it back, by its name', async () => {
      const tell = await startMock();
      tell('connectivity 4');
      const { b } = lab.isps;
      await lab.shell(b.namespace, 'echo 1 > /proc/sys/net/ipv4/ip_nonlocal_bind');
      const office = await startGateway(lab, {
        namespace: b.namespace,
        address: HEAD_OFFICE,
        customers: '0.0.0.0/0',
      });
      const laptop = await start({
        gateways: {
          mode: 'always',
          list: [{ id: 'office', name: 'Head office', host: HEAD_OFFICE, networks: ['Work VPN'] }],
        },
      });
      const state = async (): Promise<string | undefined> =>
        (await laptop.api('gateways.states', {})).states.find(({ id }) => id === 'office')?.state;
      await lab.plug('a');
      await laptop.statusUntil('the cable', ({ network }) => network.online, PATIENCE_MS);
      await laptop.submit('waits for the VPN');
      await expect.poll(() => laptop.log(), { timeout: PATIENCE_MS }).toMatch(/Z deferred/);
      expect(await state()).toBe('not-here');
      expect(await firstWaiting(laptop)).toMatchObject({ attempts: 0 });

      await lab.tunnel();
      tell('vpn Work VPN');
      await office.until('the message', ({ id }) => id === 'waits for the VPN', PATIENCE_MS);
      expect(await state()).toBe('works');
    });
  });

  it('the real one: mail leaves by a connection that comes up, waits while it is down, and its name is known', async () => {
    await bus.startNetworkManager();
    const { a } = lab.isps;
    await lab.ip(lab.laptop, 'link set eth0 up');
    await lab.ip(lab.laptop.replace('laptop', 'street'), 'link set a0 master wall');
    await bus.run(
      'nmcli',
      ...['con', 'add', 'type', 'ethernet', 'ifname', 'eth0', 'con-name', 'Office', 'autoconnect', 'no'],
      ...['ip4', `${a.laptop}/${a.prefix}`, 'gw4', a.gateway],
    );
    const laptop = await start({
      gateways: { mode: 'always', list: [{ id: 'a', name: 'Provider', host: a.gateway, networks: ['Office'] }] },
    });
    await bus.run('nmcli', 'con', 'add', 'type', 'gsm', 'ifname', '*', 'con-name', 'Train', 'apn', 'internet.test');
    // What Settings ▸ Dial-Up offers.
    expect((await laptop.api('dialUp.connections', {})).configured).toEqual(['Train']);
    await laptop.submit('first');
    expect(await laptop.status()).toMatchObject({ state: 'waiting-network' });
    for (const subject of ['first', 'second']) {
      await bus.run('nmcli', 'con', 'up', 'Office');
      await arrived(subject);
      await laptop.statusUntil('the name', ({ network }) => network.name === 'Office', PATIENCE_MS);
      await laptop.statusUntil('an empty Outbox', ({ counts }) => counts.outbox === 0, PATIENCE_MS);
      await bus.run('nmcli', 'con', 'down', 'Office');
      await laptop.statusUntil('the loss', (s) => s.state === 'waiting-network', PATIENCE_MS);
      if (subject === 'first') await laptop.submit('second');
    }
  });
});
