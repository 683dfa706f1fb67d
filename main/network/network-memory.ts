/**
 * What the program remembers of the networks that it was on (spec §4.4): whether port 25 is blocked, whether IPv6 is dead.
 * Kept across restarts, bounded, forgettable. What the facts mean is decided in policy/network-state.
 */
import { createEmitter } from '../runtime/emitter.ts';
import { z } from 'zod';
import { logRejection } from '../runtime/log-rejection.ts';
import {
  IPV6_DEAD_MS,
  isDirectBlocked,
  isIpv6Dead,
  NEW_NETWORK,
  noteDirect,
  wantsOtherPort,
  type DirectFact,
  type NetworkRecord,
} from '../policy/network-state.ts';
import type { Log } from '../log/log-port.ts';
import type { MemoStore } from '../queue/queue-store.ts';
import type { Clock } from '../runtime/clock.ts';

const MEMO = 'network-memory';
/** Networks of which something is kept; the one with the oldest facts is removed first. */
const MAX_NETWORKS = 200;
/** At most this often gateways are asked whether another port works. */
const ASK_EVERY_MS = 10 * 60_000;

const recordSchema = z.object({
  direct: z.object({
    silent: z.record(z.string(), z.number()),
    otherPortAt: z.number().nullable(),
    blockedUntil: z.number().nullable(),
  }),
  ipv6DeadUntil: z.number().nullable(),
});
const memoSchema = z.array(z.tuple([z.string(), recordSchema]));

/** The memory of the network that the laptop is on, and of the others by id. */
export interface NetworkMemory {
  /** Reads what was kept; what cannot be read is forgotten. */
  load(): Promise<void>;
  /** A fact about port 25 on the present network. */
  noteDirect(fact: DirectFact): void;
  noteIpv6(works: boolean): void;
  ipv6Works(): boolean;
  /** Direct delivery counts as blocked; default: on the present network. */
  directBlocked(networkId?: string | null): boolean;
  forget(networkId: string): void;
  /** Calls back when "blocked" changes for any network. Returns its unsubscribe. */
  onChange(listener: () => void): () => void;
  /** Calls back when several mail servers were silent and it is not known whether any other port works here. */
  onDoubt(listener: () => void): () => void;
}

export interface NetworkMemoryDeps {
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Pick<Log, 'note' | 'problem'>;
  readonly networkId: () => string | null;
  /** Null: nothing is kept. */
  readonly store: MemoStore | null;
}

export function createNetworkMemory(deps: NetworkMemoryDeps): NetworkMemory {
  const { clock, log, store } = deps;
  /** In the order of learning. */
  const records = new Map<string, NetworkRecord>();
  const events = createEmitter<{ readonly changed: undefined; readonly doubt: undefined }>((error) => {
    log.problem('network memory', error);
  });
  let askedAt = -Infinity;

  const recordOf = (id: string | null): NetworkRecord => (id === null ? undefined : records.get(id)) ?? NEW_NETWORK;
  const isBlocked = (id: string | null): boolean => isDirectBlocked(recordOf(id).direct, clock.now());

  const save = (): void => {
    if (store === null) return;
    logRejection(store.setMemo(MEMO, records.size === 0 ? null : JSON.stringify([...records])), log, 'network memory');
  };
  /** Only what matters after a restart is written: facts come by the hundred. */
  const learn = (id: string | null, next: NetworkRecord): void => {
    if (id === null) return;
    const before = recordOf(id);
    if (before === next) return;
    const was = isBlocked(id);
    records.delete(id);
    records.set(id, next);
    while (records.size > MAX_NETWORKS) records.delete([...records.keys()][0] ?? '');
    const is = isBlocked(id);
    if (was !== is || before.ipv6DeadUntil !== next.ipv6DeadUntil) save();
    if (was === is) return;
    log.note('direct delivery', { network: id, blocked: is });
    events.emit('changed');
  };

  return {
    async load() {
      const kept = store === null ? null : await store.getMemo(MEMO);
      if (kept === null) return;
      try {
        for (const [id, record] of memoSchema.parse(JSON.parse(kept))) records.set(id, record);
      } catch (error) {
        log.problem('network memory', error);
      }
      events.emit('changed');
    },
    noteDirect(fact) {
      const id = deps.networkId();
      const before = recordOf(id);
      // Nothing to correct, nothing to write.
      if (fact.kind === 'answered' && before === NEW_NETWORK) return;
      learn(id, { ...before, direct: noteDirect(before.direct, fact) });
      if (fact.kind !== 'silent' || !wantsOtherPort(recordOf(id).direct, clock.now())) return;
      if (clock.now() - askedAt < ASK_EVERY_MS && askedAt <= clock.now()) return;
      askedAt = clock.now();
      events.emit('doubt');
    },
    noteIpv6(works) {
      const id = deps.networkId();
      const before = recordOf(id);
      if (works === !isIpv6Dead(before, clock.now())) return;
      log.note('ipv6', { network: id, works });
      learn(id, { ...before, ipv6DeadUntil: works ? null : clock.now() + IPV6_DEAD_MS });
    },
    ipv6Works: () => !isIpv6Dead(recordOf(deps.networkId()), clock.now()),
    directBlocked: (id) => isBlocked(id === undefined ? deps.networkId() : id),
    forget(id) {
      const was = isBlocked(id);
      if (!records.delete(id)) return;
      save();
      if (was) events.emit('changed');
    },
    onChange: (listener) => events.on('changed', listener),
    onDoubt: (listener) => events.on('doubt', listener),
  };
}
