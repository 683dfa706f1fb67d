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
  /** Addresses not wanted: tried and found bad for this message. */
  readonly avoid?: ReadonlySet<string>;
}

/** What happens while one waits. */
export interface SessionWatch {
  /** From now on silence is the hop's: connecting, or queued behind others that are still connecting. */
  readonly started?: () => void;
  readonly greeted?: () => void;
}

export interface ConnectionPool {
  /**
   * An open session of one's own until `release`. Rejects only when `signal` aborts. A kept session may have been closed
   * by the server meanwhile: its first command tells (`reused`).
   */
  acquire(order: SessionOrder, signal: AbortSignal, watch?: SessionWatch): Promise<SmtpSession | SessionFailure>;
  release(session: SmtpSession): void;
  /**
   * Ends every connection at once: the network changed. Connecting ones fail, queued ones go on. One whose own end is
   * still ours, and whose message has been sent to its end, may hear the reply to it first (`SmtpSession.cut`).
   */
  drop(addresses?: ReadonlySet<string>): void;
  /** Ends at once the connections whose own end is none of these addresses, and those that are still connecting. */
  dropUnbound(addresses: ReadonlySet<string>): void;
  /** QUIT to those that idle, `ms` for the others, then hard. */
  close(ms: number): Promise<void>;
  /** Connections to this hop, at whatever stage. */
  count(key: string): number;
}

interface Slot {
  readonly key: string;
  readonly abort: AbortController;
  session: SmtpSession | null;
  inUse: boolean;
  cancelIdle: (() => void) | null;
}

interface Waiter {
  readonly order: SessionOrder;
  readonly watch: SessionWatch;
  readonly take: (session: SmtpSession | SessionFailure) => void;
  readonly signal: AbortSignal;
}

const ignore = (): void => undefined;

/** "::ffff:192.0.2.1" and "fe80::1%eth0" as the system lists them. */
function bare(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
}

function isLoopback(address: string): boolean {
  return addressScope(bare(address)) === 'loopback';
}

/** Whether the session's own end is one of these addresses still; true if it is not known, or on loopback. */
function isLeft({ localAddress }: SmtpSession, addresses: ReadonlySet<string>): boolean {
  return localAddress === null || isLoopback(localAddress) || addresses.has(bare(localAddress));
}

export function createConnectionPool(deps: {
  readonly clock: Clock;
  readonly maxOutgoing: () => number;
}): ConnectionPool {
  const slots = new Map<string, Set<Slot>>();
  const bySession = new Map<SmtpSession, Slot>();
  const waiters = new Set<Waiter>();
  let total = 0;
  let closing = false;
  let whenEmpty = ignore;

  const slotsOf = (key: string): ReadonlySet<Slot> => slots.get(key) ?? new Set();
  const fits = (slot: Slot, order: SessionOrder): boolean =>
    slot.session?.alive === true && order.avoid?.has(slot.session.address.address) !== true;

  const free = (slot: Slot): void => {
    const set = slots.get(slot.key);
    if (set?.delete(slot) !== true) return;
    if (set.size === 0) slots.delete(slot.key);
    slot.cancelIdle?.();
    if (slot.session) bySession.delete(slot.session);
    total--;
    if (total === 0) whenEmpty();
    pump();
  };

  const take = (slot: Slot, session: SmtpSession): SmtpSession => {
    slot.cancelIdle?.();
    slot.cancelIdle = null;
    slot.inUse = true;
    return session;
  };

  const idleFor = (order: SessionOrder): SmtpSession | null => {
    let best: Slot | null = null;
    for (const slot of slotsOf(order.key)) if (!slot.inUse && fits(slot, order)) best = slot;
    return best?.session ? take(best, best.session) : null;
  };

  /** Room for one more connection; makes some by ending the longest idle one of another hop. */
  const hasRoom = (order: SessionOrder): boolean => {
    if (slotsOf(order.key).size >= order.limit) {
      // A kept session that this order must not use gives its place away.
      for (const slot of slotsOf(order.key))
        if (!slot.inUse && slot.session) return (slot.session.destroy(), slotsOf(order.key).size < order.limit);
      return false;
    }
    if (total < deps.maxOutgoing()) return true;
    for (const set of slots.values()) {
      for (const slot of set) {
        if (slot.inUse || !slot.session) continue;
        void slot.session.quit();
        slot.session.destroy();
        return total < deps.maxOutgoing();
      }
    }
    return false;
  };

  const connect = (waiter: Waiter): void => {
    const { order, signal } = waiter;
    const slot: Slot = { key: order.key, abort: new AbortController(), session: null, inUse: true, cancelIdle: null };
    const set = slots.get(order.key) ?? new Set();
    slots.set(order.key, set.add(slot));
    total++;
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
          bySession.set(opened, slot);
          opened.onEnd(() => {
            free(slot);
          });
        } else free(slot);
        waiter.take(opened);
      });
  };

  /** Gives what became free to those who wait, the longest waiting first. */
  const pump = (): void => {
    for (const waiter of waiters) {
      if (closing) return;
      const session = idleFor(waiter.order);
      if (session) {
        waiters.delete(waiter);
        waiter.take(session);
      } else if (hasRoom(waiter.order)) {
        waiters.delete(waiter);
        connect(waiter);
      } else if (total >= deps.maxOutgoing() && !idleSomewhere()) return;
    }
  };
  const idleSomewhere = (): boolean => {
    for (const set of slots.values()) for (const slot of set) if (!slot.inUse && slot.session) return true;
    return false;
  };

  return {
    acquire(order, signal, watch = {}) {
      return new Promise((resolve, reject) => {
        const reason = (): Error => (signal.reason instanceof Error ? signal.reason : new Error('aborted'));
        if (signal.aborted) return reject(reason());
        const kept = idleFor(order);
        if (kept) return resolve(kept);
        const onAbort = (): void => {
          if (waiters.delete(waiter)) reject(reason());
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
        if (hasRoom(order)) return connect(waiter);
        waiters.add(waiter);
        signal.addEventListener('abort', onAbort, { once: true });
        // Behind a hop that nobody has reached yet: its silence is ours too.
        if (![...slotsOf(order.key)].some((slot) => slot.session)) watch.started?.();
      });
    },
    release(session) {
      const slot = bySession.get(session);
      if (!slot || !session.alive) return;
      slot.inUse = false;
      if (closing || session.used >= MESSAGES_PER_CONNECTION) {
        slot.inUse = true;
        void session.quit();
        return;
      }
      for (const waiter of waiters) {
        if (waiter.order.key !== slot.key || !fits(slot, waiter.order)) continue;
        waiters.delete(waiter);
        waiter.take(take(slot, session));
        return;
      }
      slot.cancelIdle = deps.clock.after(IDLE_MS, () => {
        slot.inUse = true;
        void session.quit();
      });
      if (waiters.size > 0) pump();
    },
    drop(addresses = new Set()) {
      for (const set of [...slots.values()]) {
        for (const slot of [...set]) {
          if (slot.session && isLeft(slot.session, addresses)) slot.session.cut();
          else if (slot.session) slot.session.destroy();
          else slot.abort.abort(new Error('the network changed'));
        }
      }
    },
    dropUnbound(addresses) {
      for (const set of [...slots.values()]) {
        for (const slot of [...set]) {
          if (slot.session === null) slot.abort.abort(new Error('the address is gone'));
          else if (!isLeft(slot.session, addresses)) slot.session.destroy();
        }
      }
    },
    async close(ms) {
      closing = true;
      for (const session of [...bySession.keys()]) {
        const slot = bySession.get(session);
        if (slot && !slot.inUse) {
          slot.inUse = true;
          void session.quit();
        }
      }
      if (total > 0) {
        await new Promise<void>((resolve) => {
          const cancel = deps.clock.after(ms, resolve);
          whenEmpty = () => {
            cancel();
            resolve();
          };
        });
      }
      for (const set of [...slots.values()]) {
        for (const slot of [...set]) {
          if (slot.session) slot.session.destroy();
          else slot.abort.abort(new Error('closing'));
        }
      }
    },
    count: (key) => slotsOf(key).size,
  };
}
