/**
 * A program of its own that runs the network monitor and prints what it tells, a JSON object a line: for a network namespace.
 * Ends when its standard input does. Bundled by `bundleNetworkChild` (network-watch.ts).
 */
import type { Log } from '../../main/log/log-port.ts';
import type { Clock } from '../../main/runtime/clock.ts';
import { createNetworkMonitor } from '../../main/network/monitor.ts';
import { isNetworkChange } from '../../main/network/interpret-facts.ts';
import { createSystemAdapter } from '../../main/network/system-adapter.ts';
import { createPortalProbe } from '../../main/network/portal-probe.ts';
import { settingsSchema } from '../../shared/settings.ts';

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
const say = (what: object): void => void process.stdout.write(`${JSON.stringify(what)}\n`);
const log: Pick<Log, 'note' | 'problem'> = {
  note: (event, facts) => say({ kind: 'note', event, facts }),
  problem: (event, error) => say({ kind: 'problem', event, error: String(error) }),
};
const settings = settingsSchema.parse(JSON.parse(process.env['SETTINGS'] ?? '{}'));
const portalPage = process.env['PORTAL_PAGE'];
const monitor = createNetworkMonitor({
  clock,
  log,
  settings: { get: () => settings, onChange: () => () => undefined },
  adapter: createSystemAdapter({ clock, log }),
  probePortal: portalPage === undefined ? null : createPortalProbe(portalPage),
});
let before = monitor.current();
monitor.watch((state) => {
  say({ kind: 'state', at: Date.now(), change: isNetworkChange(before, state), state });
  before = state;
});
say({ kind: 'started' });
process.stdin.resume();
process.stdin.on('end', () => {
  void monitor.close().then(() => process.exit(0));
});
