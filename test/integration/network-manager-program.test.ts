/** The whole program and NetworkManager's words: a log-in page, a modem, a VPN, names of networks. */
import { beforeEach, describe, expect, it } from 'vitest';
import { describeInLab, laptopNetwork } from '../support/laptop-network.ts';
import { firstWaiting, gatewayState, type Gateway, type ProgramInLab } from '../support/laptop.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { HEAD_OFFICE, type NetworkLab } from '../support/netns.ts';
import {
  MOCK_NETWORK_MANAGER,
  networkManagerMissing,
  startPrivateBus,
  type PrivateBus,
} from '../support/network-manager.ts';
import { dbusMockMissing } from '../support/private-bus.ts';

const mockMissing = dbusMockMissing();

describeInLab(networkManagerMissing())('the whole program with NetworkManager', { timeout: 300_000 }, () => {
  const net = laptopNetwork();
  let lab: NetworkLab;
  let bus: PrivateBus;
  let provider: Gateway;
  beforeEach(async () => {
    ({ lab } = net);
    bus = net.keep(await startPrivateBus(lab));
    provider = await net.gateway('a');
  });

  const start = (settings: object): Promise<ProgramInLab> =>
    net.program(settings, { DBUS_SYSTEM_BUS_ADDRESS: bus.address });
  const byProvider = (): object => ({ gateways: net.through('a') });
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
      const { state, phrases } = await laptop.statusUntil('the page', ({ network }) => network.portal);
      expect(state).toBe('waiting-network');
      expect(phrases).toContainEqual({ id: 'hold.captive-portal' });
      await laptop.submit('held');
      expect(await laptop.api('control.sendNow', {})).toEqual({ count: 0, phrase: { id: 'hold.captive-portal' } });
      await laptop.jump(10 * 86_400_000);
      expect(await firstWaiting(laptop)).toMatchObject({ attempts: 0 });
      expect(untouched()).toBe(true);

      tell('connectivity 4');
      await provider.takes('held');
      const { counts } = await laptop.emptied();
      expect(counts).toMatchObject({ sent: 1, bad: 0, bounced: 0 });
    });

    it('a modem that the kernel takes for a cable is the dial-up connection that is required', async () => {
      const tell = await startMock();
      tell('connectivity 4');
      const laptop = await start({ ...byProvider(), dialUp: { requireConnection: true } });
      await lab.plug('a');
      const held = await laptop.statusUntil('the cable', ({ network }) => network.online);
      expect(held).toMatchObject({ state: 'waiting-dial-up', network: { kind: 'ethernet' } });
      await laptop.submit('by modem');
      expect(await firstWaiting(laptop)).toMatchObject({ attempts: 0 });
      expect(untouched()).toBe(true);

      tell('stick Train');
      await provider.takes('by modem');
      const up = await laptop.emptied();
      expect(up).toMatchObject({ network: { kind: 'mobile', name: 'Train' }, dialUp: { active: ['Train'] } });

      tell('none');
      await laptop.statusUntil('the hold', (s) => s.state === 'waiting-dial-up');
    });

    it('a VPN that comes up brings the gateways that are kept for it back, by its name', async () => {
      const tell = await startMock();
      tell('connectivity 4');
      const office = await net.headOffice();
      const laptop = await start({
        gateways: {
          mode: 'always',
          list: [{ id: 'office', name: 'Head office', host: HEAD_OFFICE, networks: ['Work VPN'] }],
        },
      });
      await lab.plug('a');
      await laptop.statusUntil('the cable', ({ network }) => network.online);
      await laptop.submit('waits for the VPN');
      await expect.poll(() => laptop.log(), { timeout: PATIENCE_MS }).toMatch(/Z deferred/);
      expect(await gatewayState(laptop, 'office')).toBe('not-here');
      expect(await firstWaiting(laptop)).toMatchObject({ attempts: 0 });

      await lab.tunnel();
      tell('vpn Work VPN');
      await office.takes('waits for the VPN');
      expect(await gatewayState(laptop, 'office')).toBe('works');
    });
  });

  it('the real one: mail leaves by a connection that comes up, waits while it is down, and its name is known', async () => {
    await bus.startNetworkManager();
    const { a } = lab.isps;
    await lab.ip(lab.laptop, 'link set eth0 up');
    await lab.wire('a');
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
      await provider.takes(subject);
      await laptop.statusUntil('the name', ({ network }) => network.name === 'Office');
      await laptop.emptied();
      await bus.run('nmcli', 'con', 'down', 'Office');
      await laptop.statusUntil('the loss', (s) => s.state === 'waiting-network');
      if (subject === 'first') await laptop.submit('second');
    }
  });
});
