/**
 * Every adapter with its helper taken away: it goes on by looking for itself, and says so. The helper is taken away in both
 * ways that are met: the program is not there, and it ends as soon as it is started.
 */
import { describe, expect, it, onTestFinished } from 'vitest';
import { createKernelAdapter } from '../../../main/network/linux/kernel.ts';
import { createMacAdapter } from '../../../main/network/macos/adapter.ts';
import { createWindowsAdapter } from '../../../main/network/windows/adapter.ts';
import { createNetworkMonitor } from '../../../main/network/monitor.ts';
import type { NetworkAdapter, SystemAdapterParts } from '../../../main/network/facts.ts';
import type { RunCommand } from '../../../main/network/run-command.ts';
import { settingsSchema } from '../../../shared/settings.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';

const noCommands: RunCommand = () => Promise.resolve({ kind: 'missing' });
const ADAPTERS: readonly (readonly [string, (parts: SystemAdapterParts, helper: string) => NetworkAdapter])[] = [
  ['ip monitor', (parts, helper) => createKernelAdapter({ ...parts, ipCommand: helper })],
  ['route monitor', (parts, helper) => createMacAdapter(parts, noCommands, helper)],
  ['PowerShell', (parts, helper) => createWindowsAdapter(parts, helper)],
];
const AWAY = [
  ['is not there', 'no-such-program-here', 'network helper missing'],
  // Node.js knows none of the arguments, and ends at once.
  ['ends as soon as it is started', process.execPath, 'network helper ended'],
] as const;

function watched(make: (parts: SystemAdapterParts) => NetworkAdapter) {
  const clock = new VirtualClock();
  const notes: string[] = [];
  let changes = 0;
  const adapter = make({
    clock,
    log: { note: (event) => void notes.push(event), problem: (event) => void notes.push(event) },
  });
  const stop = adapter.watch(() => (changes += 1));
  onTestFinished(async () => {
    stop();
    await adapter.close();
  });
  return { adapter, clock, notes, changes: () => changes };
}

describe.each(ADAPTERS)('without %s', (helper, make) => {
  it.each(AWAY)('because it %s, the network is looked at every 5 seconds', async (_how, command, note) => {
    const { adapter, clock, notes, changes } = watched((parts) => make(parts, command));
    await expect.poll(() => notes).toContain(note);
    for (let round = 0; round < 3; round += 1) {
      const before = changes();
      await clock.advance(5_000);
      // macOS gathers its news for a moment.
      await clock.advance(200);
      expect(changes()).toBeGreaterThan(before);
    }
    // The last try may still be on its way to its end.
    await expect.poll(async () => (await adapter.read()).hearing).toEqual({ by: 'looking', helper });
    expect(Array.isArray((await adapter.read()).links)).toBe(true);
  });
});

it('the monitor hands on what changes are learned by, and when that changes', async () => {
  const clock = new VirtualClock();
  let by: 'helper' | 'looking' = 'looking';
  let changed = (): void => undefined;
  const settings = settingsSchema.parse({});
  const monitor = createNetworkMonitor({
    clock,
    log: { note: () => undefined, problem: () => undefined },
    settings: { get: () => settings, onChange: () => () => undefined },
    probePortal: null,
    adapter: {
      read: () =>
        Promise.resolve({
          links: [],
          routes: [],
          neighbours: [],
          dnsSuffix: null,
          portal: null,
          metered: null,
          hearing: { by, helper: 'ip monitor' },
        }),
      watch: (listener) => {
        changed = listener;
        return () => undefined;
      },
      provoke: () => undefined,
      close: () => Promise.resolve(),
    },
  });
  const told: (string | undefined)[] = [];
  monitor.watch(({ hearing }) => told.push(hearing?.by));
  await expect.poll(() => monitor.current().hearing?.by).toBe('looking');
  by = 'helper';
  changed();
  await clock.advance(100, () => new Promise((resolve) => setImmediate(resolve)));
  expect(monitor.current().hearing).toEqual({ by: 'helper', helper: 'ip monitor' });
  expect(told).toEqual(['looking', 'helper']);
  await monitor.close();
});
