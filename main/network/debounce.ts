/** When a change of the network is told: a loss at once, an arrival once it has held for a while. Pure; the monitor keeps the timer. */
import type { NetworkView } from './interpret-facts.ts';

/** How long (milliseconds) an arrival must hold before it is told. */
export interface DebounceTimes {
  /** A network other than the last one. */
  readonly fresh: number;
  /** The network that was just lost: likely a loose plug, and nothing was forgotten meanwhile. */
  readonly returned: number;
  /**
   * How long to wait for the gateway's hardware address. The kernel asks for it once a second, and a first question that is
   * sent while the link still comes up is lost: two more fit in. It delays nothing, since nothing leaves by way of a gateway
   * whose hardware address is not known.
   */
  readonly resolve: number;
  /** Losses further back than this do not count against a link. */
  readonly memory: number;
  /** Changes that are no change of network: an address more, another link. */
  readonly detail: number;
}

export const DEBOUNCE_TIMES: DebounceTimes = { fresh: 300, returned: 800, resolve: 2_500, memory: 10_000, detail: 500 };

/** What the reducer remembers. Times are monotonic milliseconds. */
export interface DebounceState {
  /** The view that was told last. */
  readonly told: NetworkView | null;
  /** The network that was lost last, and when the last losses were. */
  readonly lostId: string | null;
  readonly losses: readonly number[];
  /** What is seen now and since when, if it differs from what was told. */
  readonly pending: { readonly view: NetworkView; readonly since: number; readonly due: number } | null;
}

export const INITIAL_DEBOUNCE: DebounceState = { told: null, lostId: null, losses: [], pending: null };

export type NetworkNews =
  | { readonly kind: 'nothing' }
  /** Another network, or none: `since` begins anew. */
  | { readonly kind: 'change'; readonly view: NetworkView }
  /** The same network, better known. */
  | { readonly kind: 'detail'; readonly view: NetworkView };

export interface DebounceStep {
  readonly next: DebounceState;
  readonly telling: NetworkNews;
  /** When to call again with the same view, monotonic; null = when something changes. */
  readonly wakeAt: number | null;
}

/** Takes what is seen at `now` (monotonic milliseconds) into account. */
export function debounce(
  state: DebounceState,
  seen: NetworkView,
  now: number,
  times: DebounceTimes = DEBOUNCE_TIMES,
): DebounceStep {
  const losses = state.losses.filter((at) => now - at < times.memory);
  const { told } = state;
  const quiet: DebounceState = { ...state, losses, pending: null };
  if (seen.online && told !== null && sameView(told, seen))
    return { next: quiet, telling: { kind: 'nothing' }, wakeAt: null };

  if (!seen.online) {
    if (told?.online === true)
      return tell({ told: seen, lostId: told.id, losses: [...losses, now], pending: null }, 'change', seen);
    // An arrival that did not hold was a loss too, though nobody was told.
    const next = { ...quiet, told: seen, losses: state.pending === null ? losses : [...losses, now] };
    return told !== null && sameView(told, seen)
      ? { next, telling: { kind: 'nothing' }, wakeAt: null }
      : tell(next, 'detail', seen);
  }

  const same = told?.online === true && (told.id === seen.id || samePlace(told, seen));
  const began = state.pending !== null && samePlace(state.pending.view, seen) ? state.pending.since : now;
  const wait = same ? times.detail : waitFor(state, seen, losses.length, times);
  const due = began + wait;
  if (now < due)
    return {
      next: { ...quiet, pending: { view: seen, since: began, due } },
      telling: { kind: 'nothing' },
      wakeAt: due,
    };
  return tell({ ...quiet, told: seen }, same ? 'detail' : 'change', seen);
}

/** The more a link flaps, the longer it must hold: 20 changes in 10 s make one arrival. What is there at start need not hold. */
function waitFor(state: DebounceState, seen: NetworkView, losses: number, times: DebounceTimes): number {
  const resolve = seen.unresolved === null ? 0 : times.resolve;
  if (state.told === null) return resolve;
  const returned = losses > 0 && seen.id === state.lostId;
  const base = returned ? times.returned : times.fresh;
  const patience = losses <= 2 ? 1 : losses <= 4 ? 1.5 : 2;
  return Math.max(base * patience, resolve);
}

function tell(next: DebounceState, kind: 'change' | 'detail', view: NetworkView): DebounceStep {
  return { next, telling: { kind, view }, wakeAt: null };
}

/** The same link, subnet and gateway, and no gateway of another hardware address under the same number. */
function samePlace(a: NetworkView, b: NetworkView): boolean {
  const sameGateway = a.gatewayMac === null || b.gatewayMac === null || a.gatewayMac === b.gatewayMac;
  return a.online === b.online && a.place === b.place && sameGateway;
}

/** Equal in everything that a listener sees. */
function sameView(a: NetworkView, b: NetworkView): boolean {
  return JSON.stringify({ ...a, unresolved: null }) === JSON.stringify({ ...b, unresolved: null });
}
