import { beforeEach, expect, it } from 'vitest';
import { dialUpWith } from '../../main/network/dial-up/dialler.ts';
import { createLinuxDialler } from '../../main/network/dial-up/linux.ts';
import type { RunCommand } from '../../main/network/run-command.ts';
import { describeInLab, laptopNetwork } from '../support/laptop-network.ts';
import type { NetworkLab } from '../support/netns.ts';
import {
  MOCK_NETWORK_MANAGER,
  networkManagerMissing,
  startPrivateBus,
  type PrivateBus,
} from '../support/network-manager.ts';
import { dbusMockMissing } from '../support/private-bus.ts';
import type { NetworkWatch } from '../support/network-watch.ts';

const mockMissing = dbusMockMissing();
if (mockMissing !== null) console.warn(`NetworkManager mock tests skipped: ${mockMissing}`);

describeInLab(networkManagerMissing())('the network monitor with NetworkManager', { timeout: 180_000 }, () => {
  const net = laptopNetwork();
  let lab: NetworkLab;
  let bus: PrivateBus;
  beforeEach(async () => {
    ({ lab } = net);
    bus = net.keep(await startPrivateBus(lab));
  });

  const office = ['con', 'add', 'type', 'ethernet', 'ifname', 'eth0', 'con-name', 'Office', 'autoconnect', 'no'];
  const startMonitor = (): Promise<NetworkWatch> => net.monitor({ DBUS_SYSTEM_BUS_ADDRESS: bus.address });

  it('learns name and metering from the real one, follows it up and down, and outlives it', async () => {
    const manager = await bus.startNetworkManager();
    const told = await startMonitor();
    await lab.ip(lab.laptop, 'link set eth0 up');
    await bus.run('nmcli', ...office, 'ip4', '198.51.100.77/24', 'gw4', '198.51.100.1', 'connection.metered', 'yes');
    await lab.wire('a');
    await bus.run('nmcli', 'con', 'up', 'Office');
    const up = await told.next(
      'the connection by its name',
      ({ state }) => state.online && state.name === 'Office' && state.metered === true,
    );
    expect(up.state).toMatchObject({
      kind: 'ethernet',
      portal: false,
      links: [{ device: 'eth0', name: 'Office', kind: 'ethernet' }],
    });

    const from = told.told.length;
    await bus.run('nmcli', 'con', 'down', 'Office');
    await told.next('the loss', ({ state }) => !state.online, { from });
    await bus.run('nmcli', 'con', 'up', 'Office');
    const again = await told.next('the connection again', ({ state }) => state.online, { from });
    expect(again.state.id).toBe(up.state.id);

    manager.kill('SIGKILL');
    await told.next('a network without a name', ({ state }) => state.online && state.name === null, {
      from: told.told.indexOf(again),
    });
    expect(told.told.at(-1)?.state.id).toBe(up.state.id);
    expect(told.told.filter(({ change }) => change)).toHaveLength(2);
  });

  it('lists what the real one can dial, and says why a call failed', async () => {
    await bus.startNetworkManager();
    const train = ['con', 'add', 'type', 'gsm', 'ifname', '*', 'con-name', 'Train: 1st class'];
    await bus.run('nmcli', ...train, 'apn', 'internet.test');
    await bus.run('nmcli', ...office);
    const inside: RunCommand = async (command, args) => {
      const result = await bus.run(command, ...args).then(
        (stdout) => ({ code: 0, stdout, stderr: '' }),
        (error: unknown) => ({ code: 1, stdout: '', stderr: String(error) }),
      );
      return { kind: 'ended', ...result };
    };
    const dialUp = dialUpWith(createLinuxDialler(inside, '/nonexistent'), { note: () => undefined });
    expect(await dialUp.configured()).toEqual(['Train: 1st class']);
    const dialled = await dialUp.dial('Train: 1st class', new AbortController().signal);
    expect(dialled.ok).toBe(false);
    expect(dialled.detail).toMatch(/No suitable device|activation failed/);
  });

  it.skipIf(mockMissing !== null)('hears of one that starts later, and of its next start', async () => {
    await lab.plug('a');
    const told = await startMonitor();
    await told.next('the cable', ({ state }) => state.online && state.kind === 'ethernet');
    for (const [round, name] of ['First', 'Second'].entries()) {
      const from = told.told.length;
      const mock = await bus.startMock(MOCK_NETWORK_MANAGER);
      mock.stdin.write(`connectivity 4\nstick ${name}\n`);
      await told.next(`its word, ${round}`, ({ state }) => state.name === name && state.kind === 'mobile', { from });
      mock.kill('SIGKILL');
      await told.next(`its end, ${round}`, ({ state }) => state.name === null && state.kind === 'ethernet', {
        from: from + 1,
      });
    }
    expect(told.told.filter(({ change }) => change)).toHaveLength(1);
  });

  it.skipIf(mockMissing !== null)('hears of a portal, its end, a modem and a VPN', async () => {
    const mock = await bus.startMock(MOCK_NETWORK_MANAGER);
    await lab.plug('a');
    const told = await startMonitor();
    const portal = await told.next('the portal', ({ state }) => state.online && state.portal);
    mock.stdin.write('connectivity 4\n');
    const free = await told.next('the end of the portal', ({ state }) => !state.portal, {
      from: told.told.indexOf(portal) + 1,
    });
    expect(free).toMatchObject({ change: true, state: { id: portal.state.id, since: portal.state.since } });

    mock.stdin.write('vpn Head office\n');
    const vpn = await told.next('the VPN', ({ state }) =>
      state.links.some(({ kind, name }) => kind === 'vpn' && name === 'Head office'),
    );
    expect(vpn.state.id).not.toBe(free.state.id);

    await lab.plug(null);
    mock.stdin.write('modem Train\n');
    await lab.dial();
    const modem = await told.next('the modem', ({ state }) => state.online && state.name === 'Train');
    expect(modem.state).toMatchObject({ kind: 'mobile' });
    expect(modem.state.links).toContainEqual({
      device: 'ppp0',
      kind: 'mobile',
      name: 'Train',
      addresses: ['192.0.2.2'],
    });
  });
});
