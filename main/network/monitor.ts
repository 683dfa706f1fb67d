/**
 * The network monitor: reads the platform's facts, gives them a meaning (interpret-facts.ts), waits until they hold (debounce.ts) and tells.
 * Idle it only waits for the adapter's events; its own timers run after an event.
 */
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
/** Once told without it: looked for again after 5 s, doubling to 5 min. */
const RESOLVE_LATER_MS = 5_000;
const RESOLVE_LATEST_MS = 300_000;
/** While a captive portal holds the network it is asked again after this long. */
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

/**
 * Starts watching. The state is offline until the first reading (some milliseconds). A listener is called once per settled
 * change; `isNetworkChange` (interpret-facts.ts) tells another network from better knowledge of the same one.
 */
export function createNetworkMonitor(parts: NetworkMonitorParts): NetworkMonitor {
  const { clock, log, settings, adapter } = parts;
  const times = parts.settleTimes ?? DEBOUNCE_TIMES;
  const listeners = new Set<(state: NetworkState) => void>();
  const closing = new AbortController();

  let settling: DebounceState = INITIAL_DEBOUNCE;
  let since = clock.now();
  let probed: PortalAnswer = 'unknown';
  let hearing: NetworkHearing | undefined;
  let state = stateOf(null);
  let closed = false;
  let reading: Promise<void> | null = null;
  let readAgain = false;
  let cancelTimer: (() => void) | null = null;
  let timerAt = Infinity;
  let resolveLater = RESOLVE_LATER_MS;
  let portalRound = new AbortController();
  let cancelPortal: (() => void) | null = null;
  let lastRoutes: readonly RouteFact[] = [];
  const hardware = new Map<string, NeighbourFact>();

  function stateOf(view: NetworkView | null): NetworkState {
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

  function publish(): void {
    const next = stateOf(settling.told);
    if (JSON.stringify(next) === JSON.stringify(state)) return;
    state = next;
    for (const listener of [...listeners]) {
      try {
        listener(state);
      } catch (error) {
        log.problem('network listener', error);
      }
    }
  }

  /** One timer for everything: the earliest wish wins, a reading makes new wishes. */
  function wakeIn(ms: number): void {
    const at = clock.monotonic() + Math.max(0, ms);
    if (closed || at >= timerAt) return;
    cancelTimer?.();
    timerAt = at;
    cancelTimer = clock.after(Math.max(0, ms), () => {
      cancelTimer = null;
      timerAt = Infinity;
      look();
    });
  }

  function look(): void {
    if (closed) return;
    if (reading !== null) {
      readAgain = true;
      return;
    }
    reading = adapter
      .read()
      .then(consider)
      .catch((error: unknown) => {
        log.problem('network reading', error);
        wakeIn(READ_AGAIN_MS);
      })
      .finally(() => {
        reading = null;
        if (!readAgain) return;
        readAgain = false;
        look();
      });
  }

  function consider(facts: NetworkFacts): void {
    if (closed) return;
    lastRoutes = facts.routes;
    ({ hearing } = facts);
    const view = interpret(withRemembered(facts));
    if (!view.online) hardware.clear();
    if (view.unresolved !== null) adapter.provoke(view.unresolved);
    const now = clock.monotonic();
    const { next, telling, wakeAt } = debounce(settling, view, now, times);
    settling = next;
    if (wakeAt !== null) wakeIn(view.unresolved === null ? wakeAt - now : Math.min(wakeAt - now, RESOLVE_EVERY_MS));
    else if (view.unresolved !== null) {
      wakeIn(resolveLater);
      resolveLater = Math.min(resolveLater * 2, RESOLVE_LATEST_MS);
    }
    if (telling.kind === 'nothing') {
      if (hearing?.by !== state.hearing?.by) publish();
      return;
    }
    if (telling.kind === 'change') {
      since = clock.now();
      resolveLater = RESOLVE_LATER_MS;
      probed = 'unknown';
      portalRound.abort();
      portalRound = new AbortController();
    }
    publish();
    if (telling.kind === 'change') {
      log.note('network', {
        online: state.online,
        id: state.id,
        name: state.name,
        kind: state.kind,
        portal: state.portal,
      });
      askPortal();
    }
  }

  /** A neighbour that the kernel forgot for want of traffic is still the same gateway as long as the link holds. */
  function withRemembered(facts: NetworkFacts): NetworkFacts {
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
  function askPortal(): void {
    cancelPortal?.();
    cancelPortal = null;
    const { probePortal } = parts;
    if (closed || probePortal === null || !state.online || settling.told?.portal !== null) return;
    if (!settings.get().security.captivePortalProbe) return;
    const round = portalRound;
    const answered = probePortal(AbortSignal.any([round.signal, closing.signal])).then((answer) => {
      if (closed || round.signal.aborted) return;
      const was = state.portal;
      probed = answer;
      publish();
      if (was !== state.portal) log.note('captive portal', { portal: state.portal, network: state.id });
      if (answer === 'portal') cancelPortal = clock.after(PORTAL_AGAIN_MS, askPortal);
    });
    logRejection(answered, log, 'captive portal probe');
  }

  const stopWatching = adapter.watch(() => wakeIn(GATHER_MS));
  /** Another gateway may have taken the place of the one that was there before the computer slept. */
  function lookAfresh(): void {
    hardware.clear();
    for (const { gateway, ...route } of lastRoutes) if (gateway !== null) adapter.provoke({ ...route, gateway });
    look();
  }
  let mayAsk = settings.get().security.captivePortalProbe;
  const stopSettings = settings.onChange((next) => {
    publish();
    // Other settings are no reason to ask the Internet anything.
    if (next.security.captivePortalProbe !== mayAsk) askPortal();
    mayAsk = next.security.captivePortalProbe;
  });
  look();

  return {
    current: () => state,
    watch(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    refresh: lookAfresh,
    async close() {
      if (closed) return;
      closed = true;
      closing.abort();
      stopWatching();
      stopSettings();
      cancelTimer?.();
      cancelPortal?.();
      listeners.clear();
      await reading;
      await adapter.close();
    },
  };
}
