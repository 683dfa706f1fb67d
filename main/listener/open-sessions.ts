/** The sessions of a listener: how many there are, which one gives way to a new one, and which are too slow (standards S11). */
import type { Clock } from '../runtime/clock.ts';
import { LIMITS } from './accept-policy.ts';
import type { ListenerSession } from './listener-session.ts';

const SWEEP_MS = 15_000;
/**
 * A session that gave no command gives way to a new one after this long, one that did after the longer time: a mail
 * program sends its first command at once, a flood of connections does not.
 */
const SILENT_GRACE_MS = 100;
const SPOKE_GRACE_MS = 1000;

export interface OpenSessions extends Iterable<ListenerSession> {
  readonly size: number;
  /** Counts a new session; ends an idle one if there are too many. How many there are, in all and from its address. */
  add(session: ListenerSession): { readonly total: number; readonly fromAddress: number };
  /** Its connection is closed, or about to be. */
  remove(session: ListenerSession): void;
  /** Resolves when no session is left, or after `ms`. */
  whenEmpty(ms: number): Promise<void>;
  /** Nothing is looked at any more. */
  close(): void;
}

/** @param removed told of each session once, when it is not counted any more */
export function createOpenSessions(clock: Clock, removed: (session: ListenerSession) => void): OpenSessions {
  const sessions = new Set<ListenerSession>();
  const perAddress = new Map<string, number>();
  let cancelSweep: (() => void) | null = null;
  let onEmpty: (() => void) | null = null;

  const sweep = (): void => {
    cancelSweep = null;
    const now = clock.monotonic();
    for (const session of sessions) session.checkDeadlines(now);
    if (sessions.size > 0) cancelSweep = clock.after(SWEEP_MS, sweep);
  };
  const stopSweep = (): void => {
    cancelSweep?.();
    cancelSweep = null;
  };
  const remove = (session: ListenerSession): void => {
    if (!sessions.delete(session)) return;
    removed(session);
    const left = (perAddress.get(session.remoteAddress) ?? 1) - 1;
    if (left > 0) perAddress.set(session.remoteAddress, left);
    else perAddress.delete(session.remoteAddress);
    if (sessions.size === 0) {
      stopSweep();
      onEmpty?.();
    }
  };

  return {
    get size() {
      return sessions.size;
    },
    [Symbol.iterator]: () => sessions[Symbol.iterator](),
    add(session) {
      const idle = sessions.size >= LIMITS.connections ? longestIdle(sessions, clock.monotonic()) : null;
      idle?.evict();
      if (idle) remove(idle);
      sessions.add(session);
      const fromAddress = (perAddress.get(session.remoteAddress) ?? 0) + 1;
      perAddress.set(session.remoteAddress, fromAddress);
      cancelSweep ??= clock.after(SWEEP_MS, sweep);
      return { total: sessions.size, fromAddress };
    },
    remove,
    async whenEmpty(ms) {
      if (sessions.size === 0 || ms <= 0) return;
      await new Promise<void>((resolve) => {
        const cancel = clock.after(ms, resolve);
        onEmpty = () => {
          cancel();
          resolve();
        };
      });
    },
    close: stopSweep,
  };
}

/** Of the sessions that can be closed without loss and had their moment of grace, the one that is idle longest. */
function longestIdle(sessions: ReadonlySet<ListenerSession>, now: number): ListenerSession | null {
  let longest: ListenerSession | null = null;
  let since = now;
  for (const session of sessions) {
    const idle = session.idleSince;
    if (idle === null || idle >= since) continue;
    if (now - idle < (session.spoke ? SPOKE_GRACE_MS : SILENT_GRACE_MS)) continue;
    since = idle;
    longest = session;
  }
  return longest;
}
