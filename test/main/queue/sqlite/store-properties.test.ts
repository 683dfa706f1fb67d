/** Whatever happens in whatever order: no recipient is lost, none is handed out twice at once, none is sent again. */
import fc from 'fast-check';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { copyFileSync, existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import type { QueueStore, RecipientUpdate } from '../../../../main/queue/queue-store.ts';
import { openQueueStore } from '../../../../main/queue/open-queue-store.ts';
import { VirtualClock } from '../../../fakes/virtual-clock.ts';
import { accept, newMessage, recordOf, update } from '../support.ts';

const MINUTE = 60_000;

type Step =
  | { readonly kind: 'accept'; readonly recipients: number }
  | { readonly kind: 'claim'; readonly limit: number }
  | { readonly kind: 'finish'; readonly which: number; readonly how: 'delivered' | 'deferred' | 'bounced' | 'release' }
  | { readonly kind: 'repeat'; readonly which: number }
  | { readonly kind: 'wake' }
  | { readonly kind: 'later'; readonly minutes: number }
  | { readonly kind: 'delete' | 'restore'; readonly which: number }
  | { readonly kind: 'power-cut' }
  | { readonly kind: 'restart' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('accept' as const), recipients: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('claim' as const), limit: fc.integer({ min: 1, max: 6 }) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('finish' as const),
      which: fc.nat(20),
      how: fc.constantFrom('delivered' as const, 'deferred' as const, 'bounced' as const, 'release' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('repeat' as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'wake' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('later' as const), minutes: fc.integer({ min: 1, max: 90 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('delete' as const, 'restore' as const), which: fc.nat(20) }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'power-cut' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
);

type Fate = 'pending' | 'delivered' | 'bounced';

interface InFlight {
  readonly id: number;
  readonly message: string;
  readonly rcptTo: string;
}

/** The store beside a model of it that knows nothing of databases. */
class Run {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'queue-property-'));
  readonly #clock = new VirtualClock();
  #file = path.join(this.#folder, 'queue-0.db');
  #runs = 0;
  #messages = 0;
  #store: QueueStore | null = null;
  /** Address (unique) -> what became of it, as far as the store acknowledged it. */
  readonly #fates = new Map<string, Fate>();
  readonly #deleted = new Set<string>();
  #inFlight: InFlight[] = [];
  #recorded: { readonly message: string; readonly updates: readonly RecipientUpdate[] }[] = [];

  get #open(): QueueStore {
    if (this.#store === null) throw new Error('the store is not open');
    return this.#store;
  }

  async start(): Promise<void> {
    this.#runs += 1;
    this.#store = await openQueueStore({
      path: this.#file,
      runId: `run-${this.#runs}`,
      clock: this.#clock,
      inThread: true,
      reserveBytes: 0,
    });
    expect(this.#store.recovery).toMatchObject({ setAside: null, requeued: this.#inFlight.length });
    this.#inFlight = [];
  }

  async take(one: Step): Promise<void> {
    switch (one.kind) {
      case 'accept': {
        this.#messages += 1;
        const id = `m${this.#messages}`;
        const to = Array.from({ length: one.recipients }, (_, i) => `${id}-${i}@d${i}.test`);
        await accept(this.#open, newMessage(id, { to, acceptedAt: this.#clock.now() }));
        for (const rcptTo of to) this.#fates.set(rcptTo, 'pending');
        break;
      }
      case 'claim': {
        const claimed = await this.#open.claimDue({ now: this.#clock.now(), limit: one.limit, skipDomains: [] });
        for (const message of claimed) {
          expect(this.#deleted.has(message.id)).toBe(false);
          for (const { id, rcptTo } of message.recipients) {
            expect(this.#fates.get(rcptTo)).toBe('pending');
            expect(this.#inFlight.map((f) => f.rcptTo)).not.toContain(rcptTo);
            this.#inFlight.push({ id, message: message.id, rcptTo });
          }
        }
        break;
      }
      case 'finish': {
        const chosen = this.#inFlight[one.which % Math.max(1, this.#inFlight.length)];
        if (chosen === undefined) break;
        if (one.how === 'release') {
          await this.#open.release([chosen.id], { nextAt: this.#clock.now() + MINUTE, held: false });
        } else {
          const nextAt = one.how === 'deferred' ? this.#clock.now() + 10 * MINUTE : null;
          const updates = [update(chosen.id, { state: one.how, nextAt })];
          await this.#open.record(recordOf(chosen.message, updates));
          if (one.how !== 'deferred') this.#fates.set(chosen.rcptTo, one.how);
          if (one.how !== 'deferred') this.#recorded.push({ message: chosen.message, updates });
        }
        this.#inFlight = this.#inFlight.filter((f) => f !== chosen);
        break;
      }
      case 'repeat': {
        // The answer to a record was lost: the same comes again.
        const last = this.#recorded[one.which % Math.max(1, this.#recorded.length)];
        if (last !== undefined) await this.#open.record(recordOf(last.message, last.updates));
        break;
      }
      case 'wake':
        await this.#open.wake({ kind: 'all' }, this.#clock.now());
        break;
      case 'later':
        await this.#clock.advance(one.minutes * MINUTE);
        break;
      case 'delete':
      case 'restore': {
        if (this.#messages === 0) break;
        const id = `m${1 + (one.which % this.#messages)}`;
        await this.#open.move({ ids: [id] }, one.kind === 'delete' ? 'deleted' : 'back');
        if (one.kind === 'delete') this.#deleted.add(id);
        else this.#deleted.delete(id);
        break;
      }
      case 'power-cut': {
        // The files as they are now; the old program never says another word.
        const old = this.#file;
        this.#file = path.join(this.#folder, `queue-${this.#runs}.db`);
        for (const suffix of ['', '-wal'])
          if (existsSync(old + suffix)) copyFileSync(old + suffix, this.#file + suffix);
        await this.#open.close();
        await this.start();
        break;
      }
      case 'restart':
        await this.#open.close();
        await this.start();
        break;
    }
  }

  /** Everything that was accepted is there, in the state that was acknowledged; what is pending can still be sent. */
  async check(): Promise<void> {
    for (const id of [...this.#deleted]) await this.take({ kind: 'restore', which: Number(id.slice(1)) - 1 });
    const found = new Map<string, string>();
    for (let n = 1; n <= this.#messages; n += 1) {
      const details = await this.#open.details(`m${n}`);
      for (const { rcptTo, state } of details?.recipients ?? []) found.set(rcptTo, state);
    }
    expect([...found.keys()].sort()).toEqual([...this.#fates.keys()].sort());
    for (const [rcptTo, fate] of this.#fates) {
      if (fate !== 'pending') expect([rcptTo, found.get(rcptTo)]).toEqual([rcptTo, fate]);
    }
    await this.take({ kind: 'wake' });
    const chosen = new Set(this.#inFlight.map((f) => f.rcptTo));
    const due: string[] = [];
    for (;;) {
      const claimed = await this.#open.claimDue({ now: this.#clock.now(), limit: 50, skipDomains: [] });
      if (claimed.length === 0) break;
      due.push(...claimed.flatMap((m) => m.recipients.map((r) => r.rcptTo)));
    }
    const pending = [...this.#fates].filter(([to, fate]) => fate === 'pending' && !chosen.has(to)).map(([to]) => to);
    expect(due.sort()).toEqual(pending.sort());
  }

  async end(): Promise<void> {
    await this.#store?.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

test('accept, claim, record, wake, delete, crash in any order: nothing lost, nothing doubled', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const run = new Run();
      try {
        await run.start();
        for (const one of steps) await run.take(one);
        await run.check();
      } finally {
        await run.end();
      }
    }),
    { numRuns: 20, endOnFailure: false },
  );
}, 60_000);
