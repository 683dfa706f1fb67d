/** The whole program, in real Electron, in a laptop of its own network: what only the shell can hear. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startElectronInLab, type ElectronInLab } from '../support/electron-in-lab.ts';
import { startGateway, type Arrival, type Lines } from '../support/laptop.ts';
import { keepDuringTest } from '../support/kept.ts';
import { createNetworkLab, labMissing, networkOf, type Isp, type NetworkLab } from '../support/netns.ts';
import { dbusMockMissing, MOCK_LOGIND, startBus, type Bus } from '../support/private-bus.ts';
import { eventually } from '../support/program.ts';

const missing = labMissing() ?? dbusMockMissing();
if (missing !== null) console.warn(`network laboratory skipped: ${missing}`);

describe.skipIf(missing !== null)('logind and the whole program', () => {
  const keep = keepDuringTest();
  let lab: NetworkLab;
  let bus: Bus;
  let logind: (word: 'sleep' | 'wake' | 'shutdown') => void;
  let laptop: ElectronInLab | null = null;

  beforeEach(async () => {
    lab = keep(await createNetworkLab());
    bus = keep(await startBus(lab));
    const mock = await bus.startMock(MOCK_LOGIND);
    logind = (word) => void mock.stdin.write(`${word}\n`);
    await lab.plug('a');
  });
  afterEach(async () => {
    await laptop?.stop();
    laptop = null;
  });

  async function start(...isps: readonly Isp[]): Promise<ElectronInLab> {
    const list = isps.map((id) => ({ id, name: `Provider ${id}`, host: lab.isps[id].gateway }));
    laptop = await startElectronInLab(
      lab,
      // Nothing is tried again by the clock while a test runs.
      { gateways: { mode: 'always', list }, connection: { retryMinutes: [60] } },
      { DBUS_SYSTEM_BUS_ADDRESS: bus.address },
    );
    return laptop;
  }
  const gatewayOf = (isp: Isp): Promise<Lines<Arrival>> =>
    startGateway(lab, {
      namespace: lab.isps[isp].namespace,
      address: lab.isps[isp].gateway,
      customers: networkOf(lab.isps[isp]),
    });
  const logged = (of: ElectronInLab, what: string): Promise<void> =>
    eventually(`the log says ${what}`, () => of.log()).toMatch(new RegExp(`Z ${what}`));

  it('a computer that wakes up starts what waits at once, and once though the system tells twice', async () => {
    const computer = await start('a');
    await computer.submit('waits');
    await logged(computer, 'deferred');
    const taken = await gatewayOf('a');
    logind('sleep');
    await logged(computer, 'suspend');
    expect(taken.all.some(({ id }) => id === 'waits')).toBe(false);
    const woken = Date.now();
    logind('wake');
    logind('wake');
    const { at } = await taken.until('the message', ({ id }) => id === 'waits', 90_000);
    console.log(`PrepareForSleep(false) to arrival: ${Math.round(at - woken)} ms`);
    await computer.statusUntil('an empty Outbox', ({ counts }) => counts.outbox === 0);
    await logged(computer, 'woke-up');
    expect((await computer.log()).match(/Z woke-up/g)).toHaveLength(1);
    expect(taken.all.filter(({ id }) => id === 'waits')).toHaveLength(1);
  });

  it('a laptop that was carried to another provider in its sleep delivers there', async () => {
    const computer = await start('a', 'b');
    await computer.submit('carried');
    await logged(computer, 'queued');
    const taken = await gatewayOf('b');
    logind('sleep');
    await logged(computer, 'suspend');
    process.kill(computer.pid, 'SIGSTOP');
    await lab.plug('b');
    logind('wake');
    process.kill(computer.pid, 'SIGCONT');
    const { client } = await taken.until('the message', ({ id }) => id === 'carried', 90_000);
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
