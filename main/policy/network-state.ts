/** What is remembered of a network (spec §3.3, §4.4). Pure transitions; times in milliseconds, plain data that survives JSON. */

/** A gateway that could not be reached rests for 30 s, doubling to 15 min. */
export const FIRST_REST_MS = 30_000;
export const LONGEST_REST_MS = 15 * 60_000;

export interface HopRest {
  readonly failures: number;
  readonly failedAt: number;
  readonly restsUntil: number;
}

/** Which gateways failed to connect on one network, by gateway id. */
export interface HopMemory {
  readonly networkId: string | null;
  readonly rests: Readonly<Record<string, HopRest>>;
  /** Gateways that rested when this same network was lost, and have not been tried since it is back. */
  readonly doubted: readonly string[];
  /** Offline: the memory of the network that was lost. */
  readonly lost: HopMemory | null;
}

/** A memory without entries. Also what "send now" leaves behind. */
export function emptyMemory(networkId: string | null): HopMemory {
  return { networkId, rests: {}, doubted: [], lost: null };
}

/**
 * The memory for the present network: the same, or an empty one if the network changed. If a network was lost and is back,
 * gateways that would still rest are doubted: they are tried in their turn again, since the loss may have been the cause of
 * their failure, but have less time to answer.
 */
export function onNetwork(memory: HopMemory, networkId: string | null, now: number): HopMemory {
  if (memory.networkId === networkId) return memory;
  if (networkId === null) return { ...emptyMemory(null), lost: memory };
  const { lost } = memory;
  if (lost?.networkId !== networkId) return emptyMemory(networkId);
  const resting = Object.keys(lost.rests).filter((id) => isResting(lost, id, now));
  return { ...emptyMemory(networkId), doubted: [...new Set([...lost.doubted, ...resting])] };
}

/** Head start (ms) of a gateway that is doubted: long enough for the greeting of one that works. */
export const DOUBTED_HEAD_START_MS = 500;

/** How long (ms) a gateway may be silent before the next one is tried as well, by what is remembered of it. */
export function headStartOf(memory: HopMemory, gatewayId: string, headStartMs: number): number {
  return memory.doubted.includes(gatewayId) ? Math.min(headStartMs, DOUBTED_HEAD_START_MS) : headStartMs;
}

/** A gateway could not be connected to. Failures while it rests already (connections side by side) do not double the rest. */
export function noteUnreachable(memory: HopMemory, gatewayId: string, now: number): HopMemory {
  const before = memory.rests[gatewayId];
  if (before !== undefined && isResting(memory, gatewayId, now)) return memory;
  const failures = (before?.failures ?? 0) + 1;
  const rest = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(failures - 1, 10));
  const rests = { ...memory.rests, [gatewayId]: { failures, failedAt: now, restsUntil: now + rest } };
  return { ...memory, rests, doubted: memory.doubted.filter((id) => id !== gatewayId) };
}

/** A gateway was reached. */
export function noteReached(memory: HopMemory, gatewayId: string): HopMemory {
  const { [gatewayId]: gone, ...rests } = memory.rests;
  if (gone === undefined && !memory.doubted.includes(gatewayId)) return memory;
  return { ...memory, rests, doubted: memory.doubted.filter((id) => id !== gatewayId) };
}

/** True while a gateway is to be skipped. A rest that began in the future (the clock was set back) is over. */
export function isResting(memory: HopMemory, gatewayId: string, now: number): boolean {
  const rest = memory.rests[gatewayId];
  return rest !== undefined && rest.failedAt <= now && now < rest.restsUntil;
}

/** Gateways to use and to skip, both in order. While every one rests none is skipped: there is no better one. */
export function skipResting(
  ids: readonly string[],
  memory: HopMemory,
  now: number,
): { readonly use: readonly string[]; readonly skipped: readonly string[] } {
  const use = ids.filter((id) => !isResting(memory, id, now));
  return use.length === 0 ? { use: ids, skipped: [] } : { use, skipped: ids.filter((id) => !use.includes(id)) };
}

/** So many different mail servers have to be silent before the network is blamed. */
export const SILENT_HOSTS = 3;
const SILENCE_WINDOW_MS = 3_600_000;
const BLOCK_MEMORY_MS = 24 * 3_600_000;

/** What is known of direct delivery (port 25) on one network. */
export interface DirectMemory {
  /** Mail servers that timed out, with the time. */
  readonly silent: Readonly<Record<string, number>>;
  /** When another port was reached last on this network; null = not yet. */
  readonly otherPortAt: number | null;
  /** Direct delivery counts as blocked until then; null = it does not. */
  readonly blockedUntil: number | null;
}

export const NOTHING_KNOWN: DirectMemory = { silent: {}, otherPortAt: null, blockedUntil: null };

export type DirectFact =
  /** A mail server timed out on port 25. */
  | { readonly kind: 'silent'; readonly host: string; readonly at: number }
  /** A mail server answered on port 25, whatever it said. */
  | { readonly kind: 'answered' }
  /** Some server answered on another port. */
  | { readonly kind: 'other-port'; readonly at: number }
  /** The user asked to test again. */
  | { readonly kind: 'retest' };

/**
 * Takes in one fact: several different hosts silent while another port works means that this network blocks direct
 * delivery. Kept for a day; any answer on port 25 or a re-test ends it.
 */
export function noteDirect(memory: DirectMemory, fact: DirectFact): DirectMemory {
  switch (fact.kind) {
    case 'answered':
      return { ...memory, silent: {}, blockedUntil: null };
    case 'retest':
      return NOTHING_KNOWN;
    case 'other-port':
      return judged({ ...memory, otherPortAt: fact.at }, fact.at);
    case 'silent': {
      const recent = Object.entries(memory.silent).filter(([, at]) => isRecent(at, fact.at));
      return judged({ ...memory, silent: { ...Object.fromEntries(recent.slice(-20)), [fact.host]: fact.at } }, fact.at);
    }
  }
}

/** True while direct delivery counts as blocked. A mark that lies more than its day ahead comes from a clock that was wrong. */
export function isDirectBlocked(memory: DirectMemory, now: number): boolean {
  return memory.blockedUntil !== null && now < memory.blockedUntil && memory.blockedUntil - now <= BLOCK_MEMORY_MS;
}

function judged(memory: DirectMemory, now: number): DirectMemory {
  const silent = Object.values(memory.silent).filter((at) => isRecent(at, now)).length;
  const otherPort = memory.otherPortAt !== null && isRecent(memory.otherPortAt, now);
  return silent >= SILENT_HOSTS && otherPort ? { ...memory, blockedUntil: now + BLOCK_MEMORY_MS } : memory;
}

function isRecent(at: number, now: number): boolean {
  return at <= now && now - at <= SILENCE_WINDOW_MS;
}

/** True if silence alone speaks against port 25 here: worth finding out whether another port works. */
export function wantsOtherPort(memory: DirectMemory, now: number): boolean {
  const silent = Object.values(memory.silent).filter((at) => isRecent(at, now)).length;
  const otherPort = memory.otherPortAt !== null && isRecent(memory.otherPortAt, now);
  return silent >= SILENT_HOSTS && !otherPort && !isDirectBlocked(memory, now);
}

/** IPv6 that was announced and led nowhere: IPv4 goes first for a day. */
export const IPV6_DEAD_MS = 24 * 3_600_000;

/** What is kept of one network, across restarts. */
export interface NetworkRecord {
  readonly direct: DirectMemory;
  /** IPv4 goes first until then; null = IPv6 is not known to be dead. */
  readonly ipv6DeadUntil: number | null;
}

export const NEW_NETWORK: NetworkRecord = { direct: NOTHING_KNOWN, ipv6DeadUntil: null };

/** True while IPv6 counts as dead. A mark too far ahead comes from a clock that was wrong. */
export function isIpv6Dead(record: NetworkRecord, now: number): boolean {
  return record.ipv6DeadUntil !== null && now < record.ipv6DeadUntil && record.ipv6DeadUntil - now <= IPV6_DEAD_MS;
}
