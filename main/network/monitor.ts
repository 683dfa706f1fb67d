/**
 * The network monitor: reads the platform's facts, interprets them (interpret-facts.ts), waits until
 * they last (debounce.ts), and publishes the state. Without a change it only waits for the adapter's events.
 */
import { createEmitter, type Emitter } from '../runtime/emitter.ts';
import type { NetworkHearing, NetworkState } from '../../shared/status.ts';
import { logRejection } from '../runtime/log-rejection.ts';
import type { Log } from '../log/log-port.ts';
import type { NetworkMonitor } from './network-port.ts';
import type { Clock } from '../runtime/clock.ts';
import type { SettingsStore } from '../settings/settings-store.ts';
import type { NeighbourFact, NetworkAdapter, NetworkFacts, RouteFact } from './facts.ts';
import { interpret, type NetworkView } from './interpret-facts.ts';
import type { PortalAnswer } from './portal-probe.ts';
import { debounce, DEBOUNCE_TIMES, INITIAL_DEBOUNCE, type DebounceTimes, type DebounceState } from './debounce.ts';

/** Events that come together (a link brings its address, its routes) are read once. */
const GATHER_MS = 30;
/** How often the table of neighbours is read while the gateway's hardware address is awaited. */
const RESOLVE_EVERY_MS = 60;
/** After the state was published without it: read again after 5 s, doubling to 5 min. */
const RESOLVE_LATER_MS = 5_000;
const RESOLVE_LATEST_MS = 300_000;
/** While a captive portal is in the way, the probe is repeated after this long. */
const PORTAL_AGAIN_MS = 15_000;
/** A reading that failed is repeated. */
const READ_AGAIN_MS = 5_000;

/** What the monitor is made of. */
export interface NetworkMonitorParts {
  readonly clock: Clock;
  readonly log: Pick<Log, 'note' | 'problem'>;
  /** Names of networks and whether the portal probe is allowed. */
  readonly settings: Pick<SettingsStore, 'get' | 'onChange'>;
  readonly adapter: NetworkAdapter;
  /** Asks the well-known page; null = never. */
  readonly probePortal: ((signal: AbortSignal) => Promise<PortalAnswer>) | null;
  readonly settleTimes?: DebounceTimes;
}

interface MonitorState {
  readonly parts: NetworkMonitorParts;
  readonly times: DebounceTimes;
  readonly events: Emitter<{ readonly changed: NetworkState }>;
  readonly closing: AbortController;
  /** Gateways whose hardware address was seen, by device and address. */
  readonly hardware: Map<string, NeighbourFact>;
  debounced: DebounceState;
  /** When the network last changed, milliseconds since the epoch. */
  since: number;
  /** What the probe last found on this network. */
  probed: PortalAnswer;
  /** By what changes are heard of; undefined: the adapter does not say. */
  hearing: NetworkHearing | undefined;
  published: NetworkState;
  closed: boolean;
  reading: Promise<void> | null;
  readAgain: boolean;
  /** The one timer for the next reading, and when it fires (monotonic ms). */
  cancelTimer: (() => void) | null;
  timerAt: number;
  resolveLaterMs: number;
  portalRound: AbortController;
  cancelPortal: (() => void) | null;
  lastRoutes: readonly RouteFact[];
}

/**
 * Starts watching. The state is offline until the first reading (some milliseconds). A listener is called once per settled
 * change; `isNetworkChange` (interpret-facts.ts) tells another network from better knowledge of the same one.
 */
export function createNetworkMonitor(parts: NetworkMonitorParts): NetworkMonitor {
  const { settings, adapter, clock } = parts;
  const since = clock.now();
  const monitor: MonitorState = {
    parts,
    times: parts.settleTimes ?? DEBOUNCE_TIMES,
    events: createEmitter((error) => {
      parts.log.problem('network listener', error);
    }),
    closing: new AbortController(),
    hardware: new Map(),
    debounced: INITIAL_DEBOUNCE,
    since,
    probed: 'unknown',
    hearing: undefined,
    published: stateOf(settings, null, 'unknown', since),
    closed: false,
    reading: null,
    readAgain: false,
    cancelTimer: null,
    timerAt: Infinity,
    resolveLaterMs: RESOLVE_LATER_MS,
    portalRound: new AbortController(),
    cancelPortal: null,
    lastRoutes: [],
  };
  const stopWatching = adapter.watch(() => {
    readIn(monitor, GATHER_MS);
  });
  let mayProbe = settings.get().security.captivePortalProbe;
  const stopSettings = settings.onChange((next) => {
    publish(monitor);
    // Other settings are no reason to ask the Internet anything.
    if (next.security.captivePortalProbe !== mayProbe) probePortal(monitor);
    mayProbe = next.security.captivePortalProbe;
  });
  read(monitor);
  return {
    current: () => monitor.published,
    watch: (listener) => monitor.events.on('changed', listener),
    /** Another gateway may have taken the place of the one that was there before the computer slept. */
    refresh() {
      monitor.hardware.clear();
      for (const { gateway, ...route } of monitor.lastRoutes)
        if (gateway !== null) adapter.provoke({ ...route, gateway });
      read(monitor);
    },
    async close() {
      if (monitor.closed) return;
      monitor.closed = true;
      monitor.closing.abort();
      stopWatching();
      stopSettings();
      monitor.cancelTimer?.();
      monitor.cancelPortal?.();
      await monitor.reading;
      await adapter.close();
    },
  };
}

function stateOf(
  settings: NetworkMonitorParts['settings'],
  view: NetworkView | null,
  probed: PortalAnswer,
  since: number,
  hearing?: NetworkHearing,
): NetworkState {
  const id = view?.id ?? null;
  const given = id === null ? '' : (settings.get().security.networkNames[id] ?? '').trim();
  return {
    online: view?.online ?? false,
    id,
    name: given === '' ? (view?.systemName ?? null) : given,
    kind: view?.kind ?? null,
    links: view?.links ?? [],
    portal: view?.online === true && (view.portal ?? probed === 'portal'),
    metered: view?.metered ?? null,
    since,
    ...(hearing === undefined ? {} : { hearing }),
  };
}

function publish(monitor: MonitorState): void {
  const { parts, debounced, probed, since, hearing } = monitor;
  const next = stateOf(parts.settings, debounced.told, probed, since, hearing);
  if (JSON.stringify(next) === JSON.stringify(monitor.published)) return;
  monitor.published = next;
  if (!monitor.closed) monitor.events.emit('changed', next);
}

/** One timer for all reasons to read: the earliest counts, and a reading finds new reasons. */
function readIn(monitor: MonitorState, ms: number): void {
  const { clock } = monitor.parts;
  const wait = Math.max(0, ms);
  const at = clock.monotonic() + wait;
  if (monitor.closed || at >= monitor.timerAt) return;
  monitor.cancelTimer?.();
  monitor.timerAt = at;
  monitor.cancelTimer = clock.after(wait, () => {
    monitor.cancelTimer = null;
    monitor.timerAt = Infinity;
    read(monitor);
  });
}

/** Reads now, or once more when the present reading is done. */
function read(monitor: MonitorState): void {
  if (monitor.closed) return;
  if (monitor.reading !== null) {
    monitor.readAgain = true;
    return;
  }
  monitor.reading = monitor.parts.adapter
    .read()
    .then((facts) => {
      takeFacts(monitor, facts);
    })
    .catch((error: unknown) => {
      monitor.parts.log.problem('network reading', error);
      readIn(monitor, READ_AGAIN_MS);
    })
    .finally(() => {
      monitor.reading = null;
      if (!monitor.readAgain) return;
      monitor.readAgain = false;
      read(monitor);
    });
}

function takeFacts(monitor: MonitorState, facts: NetworkFacts): void {
  if (monitor.closed) return;
  const { clock, adapter } = monitor.parts;
  monitor.lastRoutes = facts.routes;
  monitor.hearing = facts.hearing;
  const view = interpret(withRemembered(monitor.hardware, facts));
  if (!view.online) monitor.hardware.clear();
  if (view.unresolved !== null) adapter.provoke(view.unresolved);
  const now = clock.monotonic();
  const { next, telling, wakeAt } = debounce(monitor.debounced, view, now, monitor.times);
  monitor.debounced = next;
  scheduleReading(monitor, view.unresolved !== null, wakeAt === null ? null : wakeAt - now);
  if (telling.kind === 'nothing') {
    // Nobody is told to be offline before it is known.
    if (monitor.debounced.told !== null && facts.hearing?.by !== monitor.published.hearing?.by) publish(monitor);
    return;
  }
  if (telling.kind === 'change') {
    monitor.since = clock.now();
    monitor.resolveLaterMs = RESOLVE_LATER_MS;
    monitor.probed = 'unknown';
    monitor.portalRound.abort();
    monitor.portalRound = new AbortController();
  }
  publish(monitor);
  if (telling.kind !== 'change') return;
  const { online, id, name, kind, portal } = monitor.published;
  monitor.parts.log.note('network', { online, id, name, kind, portal });
  probePortal(monitor);
}

/**
 * @param unresolved the gateway's hardware address is missing
 * @param wakeIn ms until the change that is under way may be over; null: none is
 */
function scheduleReading(monitor: MonitorState, unresolved: boolean, wakeIn: number | null): void {
  if (wakeIn !== null) readIn(monitor, unresolved ? Math.min(wakeIn, RESOLVE_EVERY_MS) : wakeIn);
  else if (unresolved) {
    readIn(monitor, monitor.resolveLaterMs);
    monitor.resolveLaterMs = Math.min(monitor.resolveLaterMs * 2, RESOLVE_LATEST_MS);
  }
}

/**
 * The facts with gateways that the kernel forgot for want of traffic: as long as the link is there, they are the same.
 * Notes those that it knows in `hardware`.
 */
function withRemembered(hardware: Map<string, NeighbourFact>, facts: NetworkFacts): NetworkFacts {
  const present = new Set(facts.links.map(({ device }) => device));
  for (const [key, neighbour] of hardware) if (!present.has(neighbour.device)) hardware.delete(key);
  const keyOf = (neighbour: { readonly device: string; readonly address: string }): string =>
    `${neighbour.device} ${neighbour.address}`;
  const seen = new Set(facts.neighbours.map(keyOf));
  const remembered = [...hardware.values()].filter((neighbour) => !seen.has(keyOf(neighbour)));
  const gateways = new Set(facts.routes.map(({ device, gateway }) => keyOf({ device, address: gateway ?? '' })));
  for (const neighbour of facts.neighbours)
    if (gateways.has(keyOf(neighbour))) hardware.set(keyOf(neighbour), neighbour);
  return { ...facts, neighbours: [...facts.neighbours, ...remembered] };
}

/** Asks the well-known page, if the system itself does not know and the user allows it (spec §4.4). */
function probePortal(monitor: MonitorState): void {
  const { clock, log, settings, probePortal: probe } = monitor.parts;
  monitor.cancelPortal?.();
  monitor.cancelPortal = null;
  if (monitor.closed || probe === null || !monitor.published.online || monitor.debounced.told?.portal !== null) return;
  if (!settings.get().security.captivePortalProbe) return;
  const round = monitor.portalRound;
  const answered = probe(AbortSignal.any([round.signal, monitor.closing.signal])).then((answer) => {
    if (monitor.closed || round.signal.aborted) return;
    const before = monitor.published.portal;
    monitor.probed = answer;
    publish(monitor);
    const { portal, id } = monitor.published;
    if (before !== portal) log.note('captive portal', { portal, network: id });
    if (answer === 'portal')
      monitor.cancelPortal = clock.after(PORTAL_AGAIN_MS, () => {
        probePortal(monitor);
      });
  });
  logRejection(answered, log, 'captive portal probe');
}
