/**
 * Open sessions, kept and handed out per next hop. Limits: in all `connection.maxOutgoing`, per hop what the order says
 * (MX 5, gateway 10: few enough for servers that count connections, enough for the throughput asked of us), 100 messages
 * per connection, 8 s idle (servers hang up after 5 to 10 on a session that says nothing after its message).
 */
import { addressScope } from '../policy/ip-address.ts';
import type { Clock } from '../runtime/clock.ts';
import type { SessionFailure } from '../smtp/open-session.ts';
import type { SmtpSession } from '../smtp/session.ts';

export const MX_CONNECTIONS = 5;
export const GATEWAY_CONNECTIONS = 10;
const MESSAGES_PER_CONNECTION = 100;
const IDLE_MS = 8000;

/** Which hop, and how to connect to it if no open session fits. */
export interface SessionOrder {
  readonly key: string;
  /** Most connections to this hop. */
  readonly limit: number;
  readonly open: (signal: AbortSignal, onGreeting: () => void) => Promise<SmtpSession | SessionFailure>;
  /** Addresses that were tried for this message and failed. */
  readonly avoid?: ReadonlySet<string>;
}

/** Told what happens while a session is waited for. */
export interface SessionWatch {
  /** Silence is the hop's from now on: it is connected to, or the order is queued behind others that connect to it. */
  readonly started?: () => void;
  readonly greeted?: () => void;
}

export interface ConnectionPool {
  /**
   * An open session for the caller alone, until `release`. Rejects only when `signal` aborts. The server may have closed a
   * kept session meanwhile; its first command shows that (`SmtpSession.used` is not 0 then).
   */
  acquire(order: SessionOrder, signal: AbortSignal, watch?: SessionWatch): Promise<SmtpSession | SessionFailure>;
  /** Gives a session back: to the next order that waits for it, or to be kept idle. */
  release(session: SmtpSession): void;
  /**
   * Ends every connection at once: the network changed. Connecting ones fail, queued orders stay queued. One whose own end
   * is among these addresses may receive the reply to a message that has been sent to its end first (`SmtpSession.cut`).
   */
  drop(addresses?: ReadonlySet<string>): void;
  /** Ends at once the connections whose own end is none of these addresses, and those that are being opened. */
  dropUnbound(addresses: ReadonlySet<string>): void;
  /** QUIT to idle sessions, `ms` for the others, then closes them. */
  close(ms: number): Promise<void>;
  /** Connections to this hop, at whatever stage. */
  count(key: string): number;
}

/** One connection, being opened or open. */
interface Slot {
  readonly key: string;
  readonly abort: AbortController;
  session: SmtpSession | null;
  inUse: boolean;
  cancelIdle: (() => void) | null;
}

/** An order that waits for a session. */
interface Waiter {
  readonly order: SessionOrder;
  readonly watch: SessionWatch;
  readonly take: (session: SmtpSession | SessionFailure) => void;
  readonly signal: AbortSignal;
}

/** "::ffff:192.0.2.1" and "fe80::1%eth0" as the system lists them. */
function bare(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
}

function isLoopback(address: string): boolean {
  return addressScope(bare(address)) === 'loopback';
}

/** Whether the session's own end is still one of these addresses; true if it is not known, or on loopback. */
function isStillOurs({ localAddress }: SmtpSession, addresses: ReadonlySet<string>): boolean {
  return localAddress === null || isLoopback(localAddress) || addresses.has(bare(localAddress));
}

interface PoolDeps {
  readonly clock: Clock;
  /** Most connections in all. */
  readonly maxOutgoing: () => number;
}

interface PoolState {
  readonly deps: PoolDeps;
  /** By key of the hop. */
  readonly slots: Map<string, Set<Slot>>;
  readonly bySession: Map<SmtpSession, Slot>;
  /** Longest waiting first. */
  readonly waiters: Set<Waiter>;
  total: number;
  closing: boolean;
  whenEmpty: () => void;
}

export function createConnectionPool(deps: PoolDeps): ConnectionPool {
  const pool: PoolState = {
    deps,
    slots: new Map(),
    bySession: new Map(),
    waiters: new Set(),
    total: 0,
    closing: false,
    whenEmpty: () => undefined,
  };
  return {
    acquire: (order, signal, watch = {}) => acquire(pool, order, signal, watch),
    release: (session) => {
      release(pool, session);
    },
    drop(addresses = new Set()) {
      for (const slot of allSlots(pool)) {
        if (slot.session && isStillOurs(slot.session, addresses)) slot.session.cut();
        else end(slot, 'the network changed');
      }
    },
    dropUnbound(addresses) {
      for (const slot of allSlots(pool))
        if (!slot.session || !isStillOurs(slot.session, addresses)) end(slot, 'the address is gone');
    },
    close: (ms) => close(pool, ms),
    count: (key) => slotsOf(pool, key).size,
  };
}

function slotsOf(pool: PoolState, key: string): ReadonlySet<Slot> {
  return pool.slots.get(key) ?? new Set();
}

/** A copy: connections may end while it is gone through. */
function allSlots(pool: PoolState): readonly Slot[] {
  return [...pool.slots.values()].flatMap((set) => [...set]);
}

function end(slot: Slot, why: string): void {
  if (slot.session) slot.session.destroy();
  else slot.abort.abort(new Error(why));
}

function acquire(
  pool: PoolState,
  order: SessionOrder,
  signal: AbortSignal,
  watch: SessionWatch,
): Promise<SmtpSession | SessionFailure> {
  return new Promise((resolve, reject) => {
    const reason = (): Error => (signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    if (signal.aborted) return reject(reason());
    const kept = takeIdle(pool, order);
    if (kept) return resolve(kept);
    const onAbort = (): void => {
      if (pool.waiters.delete(waiter)) reject(reason());
    };
    const waiter: Waiter = {
      order,
      watch,
      signal,
      take: (session) => {
        signal.removeEventListener('abort', onAbort);
        resolve(session);
      },
    };
    if (hasRoom(pool, order)) return connect(pool, waiter);
    pool.waiters.add(waiter);
    signal.addEventListener('abort', onAbort, { once: true });
    // Behind connections to a hop that has not been reached yet: its silence concerns this order too.
    if (![...slotsOf(pool, order.key)].some((slot) => slot.session)) watch.started?.();
  });
}

function release(pool: PoolState, session: SmtpSession): void {
  const slot = pool.bySession.get(session);
  if (!slot || !session.alive) return;
  if (pool.closing || session.used >= MESSAGES_PER_CONNECTION) {
    quit(slot, session);
    return;
  }
  slot.inUse = false;
  for (const waiter of pool.waiters) {
    if (waiter.order.key !== slot.key || !fits(slot, waiter.order)) continue;
    pool.waiters.delete(waiter);
    waiter.take(take(slot, session));
    return;
  }
  slot.cancelIdle = pool.deps.clock.after(IDLE_MS, () => {
    quit(slot, session);
  });
  if (pool.waiters.size > 0) serveWaiters(pool);
}

/** QUIT; no order gets the session meanwhile. */
function quit(slot: Slot, session: SmtpSession): void {
  slot.inUse = true;
  void session.quit();
}

function fits(slot: Slot, order: SessionOrder): boolean {
  return slot.session?.alive === true && order.avoid?.has(slot.session.address.address) !== true;
}

function take(slot: Slot, session: SmtpSession): SmtpSession {
  slot.cancelIdle?.();
  slot.cancelIdle = null;
  slot.inUse = true;
  return session;
}

/** The idle session of the hop that was opened last, if one fits. */
function takeIdle(pool: PoolState, order: SessionOrder): SmtpSession | null {
  const slot = [...slotsOf(pool, order.key)].findLast((each) => !each.inUse && fits(each, order));
  return slot?.session ? take(slot, slot.session) : null;
}

/** Room for one more connection; makes some by ending the longest idle one of another hop. */
function hasRoom(pool: PoolState, order: SessionOrder): boolean {
  const { deps } = pool;
  const own = slotsOf(pool, order.key);
  if (own.size >= order.limit) {
    // A kept session that this order must not use makes room.
    const unfit = [...own].find((slot) => !slot.inUse && slot.session);
    if (!unfit) return false;
    unfit.session?.destroy();
    return slotsOf(pool, order.key).size < order.limit;
  }
  if (pool.total < deps.maxOutgoing()) return true;
  const idle = firstIdle(pool);
  if (!idle) return false;
  void idle.quit();
  idle.destroy();
  return pool.total < deps.maxOutgoing();
}

function firstIdle(pool: PoolState): SmtpSession | null {
  for (const set of pool.slots.values()) for (const slot of set) if (!slot.inUse && slot.session) return slot.session;
  return null;
}

function connect(pool: PoolState, waiter: Waiter): void {
  const { order, signal } = waiter;
  const slot: Slot = { key: order.key, abort: new AbortController(), session: null, inUse: true, cancelIdle: null };
  const set = pool.slots.get(order.key) ?? new Set();
  pool.slots.set(order.key, set.add(slot));
  pool.total++;
  const onAbort = (): void => {
    slot.abort.abort(signal.reason);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  waiter.watch.started?.();
  void order
    .open(slot.abort.signal, () => waiter.watch.greeted?.())
    .then((opened) => {
      signal.removeEventListener('abort', onAbort);
      if (opened.kind === 'ready') {
        slot.session = opened;
        pool.bySession.set(opened, slot);
        opened.onEnd(() => {
          free(pool, slot);
        });
      } else free(pool, slot);
      waiter.take(opened);
    });
}

/** The connection is gone; orders that wait get its room. */
function free(pool: PoolState, slot: Slot): void {
  const set = pool.slots.get(slot.key);
  if (set?.delete(slot) !== true) return;
  if (set.size === 0) pool.slots.delete(slot.key);
  slot.cancelIdle?.();
  if (slot.session) pool.bySession.delete(slot.session);
  pool.total--;
  if (pool.total === 0) pool.whenEmpty();
  serveWaiters(pool);
}

/** Gives what became free to the orders that wait, the longest waiting first. */
function serveWaiters(pool: PoolState): void {
  for (const waiter of pool.waiters) {
    if (pool.closing) return;
    const session = takeIdle(pool, waiter.order);
    if (session) {
      pool.waiters.delete(waiter);
      waiter.take(session);
    } else if (hasRoom(pool, waiter.order)) {
      pool.waiters.delete(waiter);
      connect(pool, waiter);
    } else if (pool.total >= pool.deps.maxOutgoing() && !firstIdle(pool)) return;
  }
}

async function close(pool: PoolState, ms: number): Promise<void> {
  pool.closing = true;
  for (const [session, slot] of [...pool.bySession]) if (!slot.inUse) quit(slot, session);
  if (pool.total > 0) {
    await new Promise<void>((resolve) => {
      const cancel = pool.deps.clock.after(ms, resolve);
      pool.whenEmpty = () => {
        cancel();
        resolve();
      };
    });
  }
  for (const slot of allSlots(pool)) end(slot, 'closing');
}
