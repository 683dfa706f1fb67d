import { describe, expect, it } from 'vitest';
import { NO_FACTS, type NetworkAdapter, type NetworkFacts, type RouteFact } from '../../../main/network/facts.ts';
import { DEBOUNCE_TIMES } from '../../../main/network/debounce.ts';
import { createNetworkMonitor } from '../../../main/network/monitor.ts';
import type { PortalAnswer } from '../../../main/network/portal-probe.ts';
import { settingsSchema, type Settings } from '../../../shared/settings.ts';
import type { NetworkState } from '../../../shared/status.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';

const mac = '02:00:5e:10:00:01';
function network(own: string, gateway: string, known: string | null = mac): NetworkFacts {
  return {
    ...NO_FACTS,
    links: [{ device: 'wlan0', kind: 'wifi', toldKind: null, name: 'Cafe', addresses: [{ address: own, prefix: 24 }] }],
    routes: [{ family: 4, device: 'wlan0', gateway, metric: 600 }],
    neighbours: known === null ? [] : [{ device: 'wlan0', address: gateway, mac: known }],
  };
}
const cafe = network('192.0.2.17', '192.0.2.1');
const train = network('198.51.100.4', '198.51.100.1');

function start(first: NetworkFacts, options: { readonly answers?: PortalAnswer[]; readonly settings?: unknown } = {}) {
  const clock = new VirtualClock();
  const told: NetworkState[] = [];
  const problems: string[] = [];
  const provoked: RouteFact[] = [];
  let facts: NetworkFacts | Error = first;
  let reads = 0;
  let changed: () => void = () => undefined;
  let watching = false;
  let settings: Settings = settingsSchema.parse(options.settings ?? {});
  let settingsChanged: () => void = () => undefined;
  let probes = 0;
  const adapter: NetworkAdapter = {
    read: async () => {
      reads += 1;
      if (facts instanceof Error) throw facts;
      return facts;
    },
    watch(listener) {
      changed = listener;
      watching = true;
      return () => {
        watching = false;
      };
    },
    provoke: (route) => void provoked.push(route),
    close: async () => undefined,
  };
  const monitor = createNetworkMonitor({
    clock,
    log: { note: () => undefined, problem: (event) => void problems.push(event) },
    settings: {
      get: () => settings,
      onChange(listener) {
        settingsChanged = () => listener(settings);
        return () => undefined;
      },
    },
    adapter,
    probePortal: async () => {
      probes += 1;
      return options.answers?.shift() ?? 'unknown';
    },
  });
  monitor.watch((state) => told.push(state));
  // A reading takes a few turns of promises.
  const turns = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };
  return {
    clock,
    told,
    problems,
    provoked,
    monitor,
    pass: (ms: number) => clock.advance(ms, turns),
    see: (next: NetworkFacts | Error): void => {
      facts = next;
      changed();
    },
    set: (next: unknown): void => {
      settings = settingsSchema.parse(next);
      settingsChanged();
    },
    reads: () => reads,
    probes: () => probes,
    watching: () => watching,
  };
}

describe('the network monitor', () => {
  it('knows at once what is there at start', async () => {
    const { monitor, told, pass } = start(cafe);
    expect(monitor.current()).toMatchObject({ online: false, id: null });
    await pass(0);
    expect(monitor.current()).toMatchObject({ online: true, name: 'Cafe', kind: 'wifi', portal: false });
    expect(told).toEqual([monitor.current()]);
  });

  it('tells nobody when there is nothing to tell', async () => {
    const { told, see, pass } = start(NO_FACTS);
    await pass(1000);
    see(NO_FACTS);
    await pass(10_000);
    expect(told).toEqual([]);
  });

  it('reads once for events that come together, and not at all when idle', async () => {
    const { see, pass, reads } = start(cafe);
    await pass(1000);
    const before = reads();
    for (let event = 0; event < 50; event += 1) see(cafe);
    await pass(1000);
    expect(reads() - before).toBe(1);
    await pass(24 * 3_600_000);
    expect(reads() - before).toBe(1);
  });

  it('has no timer faster than a second when idle', async () => {
    const { clock, pass } = start(cafe);
    await pass(5000);
    expect(clock.untilNext() ?? Infinity).toBeGreaterThanOrEqual(1000);
  });

  it('begins "since" anew with each network, and keeps it for what is only better known', async () => {
    const { clock, told, see, pass } = start(cafe);
    await pass(60_000);
    see(train);
    await pass(60_000);
    expect(told.map(({ since }) => since)).toEqual([told[0]!.since, told[0]!.since + 60_330]);
    see({ ...train, metered: true });
    await pass(60_000);
    expect(told.at(-1)).toMatchObject({ metered: true, since: told[1]!.since });
    expect(clock.now()).toBe(told[0]!.since + 180_000);
  });

  it('calls the network as the user does, also when the name changes', async () => {
    const { monitor, told, set, pass } = start(cafe);
    await pass(1000);
    const id = monitor.current().id!;
    set({ security: { networkNames: { [id]: 'My café' } } });
    expect(told.at(-1)?.name).toBe('My café');
    set({ security: { networkNames: { [id]: '  ' } } });
    expect(told.at(-1)?.name).toBe('Cafe');
    expect(new Set(told.map(({ since }) => since)).size).toBe(1);
  });

  it('looks for the gateway’s hardware address, and has the network’s identity once it is known', async () => {
    const { monitor, told, provoked, see, pass } = start(NO_FACTS);
    await pass(1000);
    see(network('192.0.2.17', '192.0.2.1', null));
    await pass(200);
    expect(provoked[0]).toMatchObject({ device: 'wlan0', gateway: '192.0.2.1' });
    see(cafe);
    await pass(2000);
    const known = start(cafe);
    await known.pass(1000);
    expect(monitor.current().id).toBe(known.monitor.current().id);
    expect(told).toHaveLength(1);
  });

  it('goes on without it, asks ever more rarely, and refines the identity without a change', async () => {
    const { monitor, told, see, reads, pass } = start(network('192.0.2.17', '192.0.2.1', null));
    await pass(DEBOUNCE_TIMES.resolve + 300);
    expect(told).toHaveLength(1);
    const blind = monitor.current();
    expect(blind.online).toBe(true);
    const before = reads();
    await pass(3_600_000);
    expect(reads() - before).toBeLessThan(25);
    see(cafe);
    await pass(2000);
    expect(monitor.current().id).not.toBe(blind.id);
    expect(monitor.current().since).toBe(blind.since);
  });

  it('keeps the identity when the kernel forgets an idle gateway, not when a link comes back with another', async () => {
    const { monitor, told, see, pass } = start(cafe);
    await pass(1000);
    const { id } = monitor.current();
    see(network('192.0.2.18', '192.0.2.1', null));
    await pass(5000);
    expect(monitor.current()).toMatchObject({ id, links: [{ addresses: ['192.0.2.18'] }] });
    see(NO_FACTS);
    await pass(5000);
    see(network('192.0.2.18', '192.0.2.1', '02:00:5e:10:00:02'));
    await pass(5000);
    expect(monitor.current().id).not.toBe(id);
    expect(told.map(({ online }) => online)).toEqual([true, true, false, true]);
  });

  it('keeps what it knew when a reading fails, says so, and reads again', async () => {
    const { monitor, problems, told, see, pass } = start(cafe);
    await pass(1000);
    see(new Error('no descriptors left'));
    await pass(4000);
    expect(monitor.current().online).toBe(true);
    expect(problems).toEqual(['network reading']);
    see(NO_FACTS);
    await pass(10_000);
    expect(monitor.current().online).toBe(false);
    expect(told).toHaveLength(2);
  });

  it('goes on telling the others when a listener throws', async () => {
    const { monitor, problems, told, see, pass } = start(NO_FACTS);
    monitor.watch(() => {
      throw new Error('listener');
    });
    const later: NetworkState[] = [];
    const stop = monitor.watch((state) => later.push(state));
    await pass(100);
    see(cafe);
    await pass(1000);
    expect([told.length, later.length, problems]).toEqual([1, 1, ['network listener']]);
    stop();
    see(train);
    await pass(1000);
    expect([told.length, later.length]).toEqual([2, 1]);
  });

  it('looks again when the shell says so', async () => {
    const { monitor, provoked, reads, pass } = start(cafe);
    await pass(1000);
    const before = reads();
    monitor.refresh();
    await pass(0);
    expect(reads() - before).toBe(1);
    expect(provoked).toHaveLength(1);
  });

  it('is silent and still once closed', async () => {
    const { monitor, clock, told, see, watching, pass } = start(cafe);
    await pass(1000);
    await monitor.close();
    await monitor.close();
    see(NO_FACTS);
    await pass(60_000);
    expect(told).toHaveLength(1);
    expect(watching()).toBe(false);
    expect(clock.untilNext()).toBeNull();
  });
});

describe('captive portals', () => {
  it('are asked for once per network, and again while one holds', async () => {
    const { told, probes, see, pass } = start(cafe, { answers: ['portal', 'portal', 'free'] });
    await pass(0);
    expect(told.at(-1)).toMatchObject({ online: true, portal: true });
    await pass(15_000);
    expect(told.at(-1)?.portal).toBe(true);
    await pass(15_000);
    expect(told.at(-1)?.portal).toBe(false);
    expect(new Set(told.map(({ since }) => since)).size).toBe(1);
    await pass(3_600_000);
    expect(probes()).toBe(3);
    see(train);
    await pass(1000);
    expect(probes()).toBe(4);
  });

  it('belong to their network', async () => {
    const { told, see, pass } = start(cafe, { answers: ['portal', 'unknown'] });
    await pass(1000);
    see(train);
    await pass(1000);
    expect(told.map(({ portal }) => portal)).toEqual([false, true, false]);
  });

  it('are asked for anew when the user wants it again, not for any other setting', async () => {
    const { probes, pass, set } = start(cafe, { settings: { security: { captivePortalProbe: false } } });
    await pass(60_000);
    set({ security: { captivePortalProbe: false }, general: { theme: 'dark' } });
    await pass(60_000);
    expect(probes()).toBe(0);
    set({ security: { captivePortalProbe: true } });
    await pass(60_000);
    expect(probes()).toBe(1);
    set({ security: { captivePortalProbe: true }, server: { port: 2526 } });
    await pass(60_000);
    expect(probes()).toBe(1);
  });

  it.each([
    ['the user does not want it', cafe, { security: { captivePortalProbe: false } }],
    ['the system knows there is none', { ...cafe, portal: false }, {}],
    ['the system knows there is one', { ...cafe, portal: true }, {}],
    ['there is no network', NO_FACTS, {}],
  ])('are not asked for when %s', async (_what, facts, settings) => {
    const { monitor, probes, pass } = start(facts, { settings, answers: ['portal'] });
    await pass(60_000);
    expect(probes()).toBe(0);
    expect(monitor.current().portal).toBe(facts.portal === true);
  });
});
