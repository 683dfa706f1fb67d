/** The asynchronous port over the store's thread: gathers calls, matches answers, restarts the thread if it dies. */
import type { QueueId } from '../../shared/mail.ts';
import type { Selection } from '../../shared/ipc-contract.ts';
import type { ClaimableMessage, Clock, NewMessage, QueueStore, StoreRecovery } from '../ports.ts';
import { StoreError } from '../ports.ts';
import { newlyClaimed } from './queue-rows.ts';
import { CHUNK_BYTES, INLINE_BYTES, RECIPIENT_FACTOR } from './schema.ts';
import type { ChannelEvents, StoreChannel } from './store-channel.ts';
import { openLocalChannel, openWorkerChannel } from './store-channel.ts';
import type { OpInput, OpName, OpOutput, OpenInput, Request, Response } from './store-protocol.ts';
import { OP_KIND, SILENT_OPS } from './store-protocol.ts';

/** Changes to many messages are made in slices of this many, so that new mail gets its turn in between. */
const SLICE = 500;
/** Chunks of one message on their way to the disk before its writer has to wait. */
const CHUNKS_AHEAD = 2;
const RESTART_FIRST_MS = 100;
const RESTART_MOST_MS = 30_000;
/** A message that is being read waits so long for a lost store to come back; then its attempt ends. */
const REOPENED_WITHIN_MS = 20_000;
/** Fewer failures than these in a row are not worth a word: the next try comes within a second. */
const FAILURES_TOLD = 3;
const TIDY_AFTER_MS = 5000;
const TIDY_PAGES = 256;
const DEFAULT_RESERVE = 32 * 1024 * 1024;

export interface QueueStoreOptions {
  /** Path of queue.db; its folder must exist. */
  readonly path: string;
  /** New at every start of the program; tells what a crash left in flight. */
  readonly runId: string;
  readonly clock: Clock;
  /** The store was lost while running and does not come back so far: nothing is accepted. It is tried on and on. */
  readonly onTrouble?: (error: StoreError) => void;
  /** It is back; what was found is told as at start. */
  readonly onReopened?: (recovery: StoreRecovery) => void;
  /** Where the thread's code is; default: `store-worker.js` beside the running file. */
  readonly workerUrl?: URL;
  /** True: no thread. For tests from source, and tools. */
  readonly inThread?: boolean;
  /** New messages are refused as `full` while the disk has less room than this (octets). */
  readonly reserveBytes?: number;
}

interface Waiting {
  readonly op: OpName;
  readonly resolve: (value: never) => void;
  readonly reject: (error: StoreError) => void;
}

/** A queue that is being opened. */
export interface QueueStoreStart {
  /** Can be used at once: calls wait until the queue stands. Its `recovery` tells nothing before. */
  readonly store: QueueStore;
  /** Rejects with StoreError if it cannot be opened, as all calls that wait for it do. */
  readonly opened: Promise<StoreRecovery>;
}

/** Opens the queue and waits for it; otherwise as startQueueStore. */
export async function openQueueStore(options: QueueStoreOptions): Promise<QueueStore> {
  const { store, opened } = startQueueStore(options);
  await opened;
  return store;
}

/**
 * Opens the queue, recovers what a crash left, and answers the port. `opened` rejects with StoreError: 'busy' (another
 * program runs on this profile), 'read-only', 'full', 'other' (written by a newer version of the program).
 */
export function startQueueStore(options: QueueStoreOptions): QueueStoreStart {
  const { clock } = options;
  const listeners = new Set<() => void>();
  const waiting = new Map<number, Waiting>();
  const inFlight = new Set<number>();
  const whenOpen = new Set<() => void>();
  let gathered: Request[] = [];
  let lastNumber = 0;
  let stageNumber = 0;
  let closed = false;
  let failures = 0;
  let cancelTidy: (() => void) | null = null;
  let cancelRestart: (() => void) | null = null;
  let suspect = false;
  let opening = true;
  let channel: StoreChannel | null = null;

  const events: ChannelEvents = {
    responses: takeResponses,
    gone(error) {
      channel = null;
      suspect ||= error.reason === 'corrupt';
      rejectAll(error);
      if (!closed) restartLater(error);
    },
  };

  async function open(): Promise<StoreChannel> {
    const input: OpenInput = {
      path: options.path,
      runId: options.runId,
      now: clock.now(),
      suspect,
      // What is in flight names its messages by key: no new one may get the key of one that damage took.
      seqAbove: Math.floor([...inFlight].reduce((highest, id) => Math.max(highest, id), 0) / RECIPIENT_FACTOR),
      reserveBytes: options.reserveBytes ?? DEFAULT_RESERVE,
    };
    if (options.inThread === true) return openLocalChannel(input, events);
    return openWorkerChannel(input, options.workerUrl ?? new URL('store-worker.js', import.meta.url), events);
  }

  function restartLater(error: StoreError): void {
    failures += 1;
    if (failures === FAILURES_TOLD) options.onTrouble?.(error);
    cancelRestart = clock.after(Math.min(RESTART_FIRST_MS * 2 ** (failures - 1), RESTART_MOST_MS), () => {
      open().then(
        (next) => {
          if (closed) {
            void next.close();
            return;
          }
          channel = next;
          suspect = false;
          options.onReopened?.(next.recovery);
          for (const done of [...whenOpen]) done();
          // What this run has in flight goes on; what was claimed but never handed out does not.
          call('reclaim', { known: [...inFlight], now: clock.now() }).catch(() => undefined);
        },
        (failure: unknown) => restartLater(failure instanceof StoreError ? failure : error),
      );
    });
  }

  function rejectAll(error: StoreError): void {
    const all = [...waiting.values()];
    waiting.clear();
    gathered = [];
    for (const one of all) one.reject(error);
  }

  function takeResponses(responses: readonly Response[]): void {
    let changed = false;
    for (const response of responses) {
      const one = waiting.get(response.n);
      if (one === undefined) continue;
      waiting.delete(response.n);
      if (response.ok) {
        failures = 0;
        changed ||= OP_KIND[one.op] !== 'read' && !SILENT_OPS.has(one.op) && !changedNothing(one.op, response.value);
        if (one.op === 'claimDue') {
          const claimed = response.value as OpOutput<'claimDue'>;
          for (const message of claimed) for (const { id } of message.recipients) inFlight.add(id);
        }
        one.resolve(response.value as never);
      } else {
        one.reject(new StoreError(response.error.reason, response.error.message));
      }
    }
    if (changed) for (const listener of listeners) listener();
  }

  function flush(): void {
    if (gathered.length === 0 || opening) return;
    const requests = gathered;
    gathered = [];
    channel?.post(requests);
  }

  function call<K extends OpName>(op: K, input: OpInput<K>): Promise<OpOutput<K>> {
    return new Promise((resolve, reject) => {
      if (closed || (channel === null && !opening)) {
        reject(
          new StoreError(closed ? 'closed' : 'busy', closed ? 'the queue is closed' : 'the queue is being reopened'),
        );
        return;
      }
      lastNumber += 1;
      waiting.set(lastNumber, { op, resolve, reject });
      gathered.push({ n: lastNumber, op, input });
      // All calls of this turn of the event loop travel together; one that comes while nothing is under way goes at once.
      if (gathered.length > 1) return;
      if (waiting.size === 1) queueMicrotask(flush);
      else setImmediate(flush);
    });
  }

  async function inSlices(selection: Selection, change: (seqs: readonly number[]) => Promise<number>): Promise<number> {
    const seqs = await call('select', { selection });
    let count = 0;
    for (let start = 0; start < seqs.length; start += SLICE) count += await change(seqs.slice(start, start + SLICE));
    return count;
  }

  async function untilDone(slice: () => Promise<number>): Promise<number> {
    for (let count = 0; ;) {
      const done = await slice();
      count += done;
      if (done < SLICE) return count;
    }
  }

  /** Deleted mail gives its room back, a little at a time, once nothing else is going on. */
  function tidyLater(): void {
    cancelTidy ??= clock.after(TIDY_AFTER_MS, () => {
      cancelTidy = null;
      if (closed) return;
      call('tidy', { pages: TIDY_PAGES }).then(
        (left) => {
          if (left > TIDY_PAGES) tidyLater();
        },
        () => undefined,
      );
    });
  }

  function stage(_id: QueueId): ClaimableMessage {
    stageNumber += 1;
    const token = `${options.runId}-${stageNumber}`;
    let pieces: Uint8Array[] = [];
    let held = 0; // octets in `pieces`
    let sent = 0; // chunks handed to the store
    let size = 0;
    let trouble: StoreError | null = null;
    let ended = false;
    const onTheWay = new Set<Promise<unknown>>();

    function sendChunk(): void {
      const bytes = join(pieces, held);
      pieces = [];
      held = 0;
      const one: Promise<unknown> = call('chunk', { token, n: sent, bytes })
        .catch((error: unknown) => {
          trouble ??= error as StoreError;
        })
        .finally(() => onTheWay.delete(one));
      onTheWay.add(one);
      sent += 1;
    }

    function check(): void {
      if (trouble !== null) throw trouble;
      if (ended) throw new StoreError('other', 'the message was committed or given up already');
    }

    /** `first`: key of the first recipient if it was claimed; `bytes`: the octets then, if they are few. */
    async function commit(
      message: NewMessage,
      claim: boolean,
    ): Promise<{ readonly first: number | null; readonly bytes: Uint8Array | null }> {
      check();
      ended = true;
      const now = clock.now();
      try {
        if (sent === 0) {
          const bytes = join(pieces, held);
          pieces = [];
          // What is posted is gone here; a copy of a small message spares reading it again.
          const kept = claim && held <= INLINE_BYTES ? bytes.slice() : null;
          const first = await call('accept', { message, octets: { kind: 'inline', bytes }, now, claim });
          return { first, bytes: kept };
        }
        if (held > 0) sendChunk();
        await Promise.all(onTheWay);
        if (trouble !== null) throw trouble;
        const first = await call('accept', { message, octets: { kind: 'staged', token, size }, now, claim });
        return { first, bytes: null };
      } catch (error) {
        if (sent > 0) call('discard', { token }).catch(() => undefined);
        throw error;
      }
    }

    return {
      async write(chunk) {
        check();
        // The caller may use its buffer again: octets are copied, once.
        for (let from = 0; from < chunk.byteLength;) {
          // A full chunk goes out only when more follows: what fits into one travels with its envelope.
          if (held === CHUNK_BYTES) sendChunk();
          const take = Math.min(chunk.byteLength - from, CHUNK_BYTES - held);
          const piece = new Uint8Array(new ArrayBuffer(take));
          piece.set(chunk.subarray(from, from + take));
          pieces.push(piece);
          held += take;
          from += take;
          while (onTheWay.size >= CHUNKS_AHEAD) await Promise.race(onTheWay);
          check();
        }
        size += chunk.byteLength;
      },
      async commit(message) {
        await commit(message, false);
      },
      async commitAndClaim(message) {
        const { first, bytes } = await commit(message, true);
        if (first === null) return null;
        const claimed = newlyClaimed(message, first, size);
        for (const { id } of claimed.recipients) inFlight.add(id);
        return bytes === null ? claimed : { ...claimed, bytes };
      },
      async abort() {
        if (ended) return;
        ended = true;
        pieces = [];
        if (sent === 0) return;
        await Promise.all(onTheWay);
        await call('discard', { token }).catch(() => undefined);
      },
    };
  }

  /** Resolves once the store is there again, or after a while. */
  function reopened(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        whenOpen.delete(done);
        resolve();
      };
      const cancel = clock.after(REOPENED_WITHIN_MS, done);
      whenOpen.add(done);
    });
  }

  /** A store that is lost in the middle of a message's octets is no fault of the message: they come from the next one. */
  async function bytesOf(id: QueueId, n: number): Promise<OpOutput<'bytes'>> {
    for (let tries = 0; ; tries += 1) {
      try {
        return await call('bytes', { id, n });
      } catch (error) {
        if (closed || channel !== null || tries > 2) throw error;
        await reopened();
      }
    }
  }

  async function* read(id: QueueId, offset = 0): AsyncGenerator<Uint8Array, void> {
    const firstChunk = Math.floor(offset / CHUNK_BYTES);
    let position = firstChunk * CHUNK_BYTES;
    let next: Promise<OpOutput<'bytes'>> | null = null;
    try {
      for (let n = firstChunk; ; n += 1) {
        const found = await (next ?? bytesOf(id, n));
        next = null;
        if (found === null) throw new StoreError('other', 'the message is not in the queue any more');
        if (position >= found.size) return;
        const { bytes, size } = found;
        const whole = Math.min(CHUNK_BYTES, size - position);
        if (bytes.byteLength !== whole) throw new StoreError('corrupt', `octets of message ${id} are missing`);
        position += bytes.byteLength;
        // One chunk ahead: it is fetched while this one goes out.
        if (position < size) next = bytesOf(id, n + 1);
        next?.catch(() => undefined);
        const skip = Math.max(0, offset - (position - bytes.byteLength));
        if (skip < bytes.byteLength) yield skip === 0 ? bytes : bytes.subarray(skip);
        if (position >= size) return;
      }
    } finally {
      next?.catch(() => undefined);
    }
  }

  /** Damage that the quick look does not see: a thorough one does, and sets the file aside. In a new thread, because the
   * old one's connection keeps its lock until the thread is gone. */
  async function openFirst(): Promise<StoreChannel> {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof StoreError) || error.reason !== 'corrupt') throw error;
      suspect = true;
      const next = await open();
      suspect = false;
      return next;
    }
  }

  const opened = openFirst().then(
    (first) => {
      channel = first;
      opening = false;
      flush();
      return first.recovery;
    },
    (error: unknown) => {
      opening = false;
      rejectAll(error instanceof StoreError ? error : new StoreError('other', String(error)));
      throw error;
    },
  );
  let recovery: StoreRecovery = { requeued: 0, setAside: null, salvaged: 0 };
  opened.then(
    (found) => (recovery = found),
    () => undefined,
  );

  let ending: Promise<void> | null = null;
  async function end(): Promise<void> {
    await opened.catch(() => undefined);
    flush();
    closed = true;
    cancelTidy?.();
    cancelRestart?.();
    for (const done of [...whenOpen]) done();
    await channel?.close();
    rejectAll(new StoreError('closed', 'the queue is closed'));
    listeners.clear();
  }

  const store: QueueStore = {
    get recovery() {
      return recovery;
    },
    stage,
    read,
    async claimDue(query) {
      return call('claimDue', query);
    },
    async nextDueAt() {
      return call('nextDueAt', null);
    },
    async record(record) {
      await call('record', { record, now: clock.now() });
      for (const { recipient } of record.updates) inFlight.delete(recipient);
    },
    async release(recipients, hold) {
      await call('release', { recipients, ...hold });
      for (const recipient of recipients) inFlight.delete(recipient);
    },
    async wake(filter, now) {
      if (filter.kind === 'selection') {
        const { forcedGateway } = filter;
        return inSlices(filter.selection, (seqs) => call('wakeMessages', { seqs, forcedGateway, now }));
      }
      const waitsFor = filter.kind === 'hop' ? filter.waitsFor : null;
      return untilDone(() => call('wakeDue', { waitsFor, now, limit: SLICE }));
    },
    async clampNextAt(latest) {
      return untilDone(() => call('clampNextAt', { latest, limit: SLICE }));
    },
    async head(id, limit) {
      const pieces: Uint8Array[] = [];
      let held = 0;
      for await (const chunk of read(id)) {
        const piece = chunk.subarray(0, limit - held);
        pieces.push(piece);
        held += piece.byteLength;
        if (held >= limit) break;
      }
      return join(pieces, held);
    },
    async counts() {
      return call('counts', null);
    },
    async list(query) {
      return call('list', query);
    },
    async details(id) {
      return call('details', { id });
    },
    async move(selection, to) {
      return inSlices(selection, (seqs) => call('move', { seqs, to, now: clock.now() }));
    },
    async purge(selection) {
      const count = await inSlices(selection, (seqs) => call('purge', { seqs }));
      if (count > 0) tidyLater();
      return count;
    },
    async expireKept(limits) {
      const count = await untilDone(() => call('expireKept', { ...limits, limit: SLICE }));
      if (count > 0) tidyLater();
      return count;
    },
    async markSeen(selection) {
      return inSlices(selection, (seqs) => call('markSeen', { seqs }));
    },
    async duplicate(source, message) {
      await call('duplicate', { source, message, now: clock.now() });
    },
    async invalidAddresses() {
      return call('invalidAddresses', null);
    },
    async clearInvalidAddresses() {
      return call('clearInvalidAddresses', null);
    },
    async activity(query) {
      return call('activity', query);
    },
    async noteNetwork(network) {
      await call('noteNetwork', network);
    },
    async knownNetworks() {
      return call('knownNetworks', null);
    },
    async getMemo(key) {
      return call('getMemo', { key });
    },
    async setMemo(key, value) {
      await call('setMemo', { key, value });
    },
    async forgetNetwork(id) {
      await call('forgetNetwork', { id });
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => (ending ??= end()),
  };
  return { store, opened };
}

/** Answers that say that all is as it was: nothing claimed, no message touched. */
function changedNothing(op: OpName, value: unknown): boolean {
  return value === 0 || (op === 'claimDue' && (value as readonly unknown[]).length === 0);
}

/** One piece of memory of exactly this size, so that it can be handed to another thread. */
function join(pieces: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const [only] = pieces;
  if (pieces.length === 1 && only?.buffer instanceof ArrayBuffer && only.byteLength === only.buffer.byteLength) {
    return only as Uint8Array<ArrayBuffer>;
  }
  const bytes = new Uint8Array(new ArrayBuffer(size));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  return bytes;
}
