/** The whole program, in real Electron, in a laptop of its own network: what only the shell can hear. */
import { beforeEach, expect, it } from 'vitest';
import { startElectronInLab, type ElectronInLab } from '../support/electron-in-lab.ts';
import { describeInLab, laptopNetwork } from '../support/laptop-network.ts';
import type { Isp, NetworkLab } from '../support/netns.ts';
import { dbusMockMissing, MOCK_LOGIND, startBus, type Bus } from '../support/private-bus.ts';
import { eventually } from '../support/program.ts';

describeInLab(dbusMockMissing())('logind and the whole program', () => {
  const net = laptopNetwork();
  let lab: NetworkLab;
  let bus: Bus;
  let logind: (word: 'sleep' | 'wake' | 'shutdown') => void;
  beforeEach(async () => {
    ({ lab } = net);
    bus = net.keep(await startBus(lab));
    const mock = await bus.startMock(MOCK_LOGIND);
    logind = (word) => void mock.stdin.write(`${word}\n`);
    await lab.plug('a');
  });

  const start = async (...isps: readonly Isp[]): Promise<ElectronInLab> =>
    net.keep(
      await startElectronInLab(
        lab,
        // Nothing is tried again by the clock while a test runs.
        { gateways: net.through(...isps), connection: { retryMinutes: [60] } },
        { DBUS_SYSTEM_BUS_ADDRESS: bus.address },
      ),
    );
  const logged = (of: ElectronInLab, what: string): Promise<void> =>
    eventually(`the log says ${what}`, () => of.log()).toMatch(new RegExp(`Z ${what}`));

  it('a computer that wakes up starts what waits at once, and once though the system tells twice', async () => {
    const computer = await start('a');
    await computer.submit('waits');
    await logged(computer, 'deferred');
    const taken = await net.gateway('a');
    logind('sleep');
    await logged(computer, 'suspend');
    expect(taken.times('waits')).toBe(0);
    const woken = Date.now();
    logind('wake');
    logind('wake');
    const { at } = await taken.takes('waits', 90_000);
    console.log(`PrepareForSleep(false) to arrival: ${Math.round(at - woken)} ms`);
    await computer.statusUntil('an empty Outbox', ({ counts }) => counts.outbox === 0);
    await logged(computer, 'woke-up');
    expect((await computer.log()).match(/Z woke-up/g)).toHaveLength(1);
    expect(taken.times('waits')).toBe(1);
  });

  it('a laptop that was carried to another provider in its sleep delivers there', async () => {
    const computer = await start('a', 'b');
    await computer.submit('carried');
    await logged(computer, 'queued');
    const taken = await net.gateway('b');
    logind('sleep');
    await logged(computer, 'suspend');
    process.kill(computer.pid, 'SIGSTOP');
    await lab.plug('b');
    logind('wake');
    process.kill(computer.pid, 'SIGCONT');
    const { client } = await taken.takes('carried', 90_000);
    expect(client).toBe(lab.isps.b.laptop);
    await logged(computer, 'woke-up');
  });

  it('a computer that shuts down ends it in order: the queue is closed, nothing is lost', async () => {
    const computer = await start('a');
    await computer.submit('stays');
    await logged(computer, 'deferred');
    logind('shutdown');
    expect(await computer.exited).toBe(0);
    expect(await computer.log()).toMatch(/Z stopped/);
  });
});
