/**
 * Whatever a user does to messages, whenever: no recipient that he did not name changes its fate, nobody gets a message
 * twice by our doing, nobody is lost. The real engine on a real queue, beside a model that knows nothing of either.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AttemptRecord } from '../../../main/queue/queue-store.ts';
import type { Selection } from '../../../shared/ipc-contract.ts';
import { isPending, type RecipientState, type Verdict } from '../../../shared/mail.ts';
import { accepted, later, refused } from '../../fakes/scripted-delivery.ts';
import { createEngineLab, gateways, type EngineLab } from '../../support/engine-lab.ts';

const MINUTE = 60_000;
const SENDER = 'ann@sender.test';
const VERDICTS = { accepted, later, refused } as const;

type Step =
  | { readonly kind: 'accept'; readonly recipients: number }
  | { readonly kind: 'answer'; readonly which: number; readonly how: keyof typeof VERDICTS }
  | { readonly kind: 'delete' | 'delete for good' | 'restore' | 'retry' | 'send through'; readonly which: number }
  | {
      readonly kind: 'send again';
      readonly which: number;
      /** Bits: which recipients are named by id, and which by their address. */
      readonly ids: number;
      readonly typed: number;
      readonly fresh: number;
    }
  | { readonly kind: 'repeat'; readonly which: number }
  | { readonly kind: 'minutes'; readonly minutes: number }
  | { readonly kind: 'undo' | 'empty Deleted' | 'keeping time' | 'send now' | 'crash' };

const which = fc.nat(30);
const bits = fc.nat(15);
const weighted = (weight: number, arbitrary: fc.Arbitrary<Step>) => ({ weight, arbitrary });
const step: fc.Arbitrary<Step> = fc.oneof(
  weighted(3, fc.record({ kind: fc.constant('accept' as const), recipients: fc.integer({ min: 1, max: 4 }) })),
  weighted(
    9,
    fc.record({
      kind: fc.constant('answer' as const),
      which,
      how: fc.constantFrom('accepted' as const, 'later' as const, 'later' as const, 'refused' as const),
    }),
  ),
  weighted(
    6,
    fc.record({
      kind: fc.constantFrom('delete' as const, 'delete for good' as const, 'restore' as const, 'retry' as const, 'send through' as const),
      which,
    }),
  ),
  weighted(5, fc.record({ kind: fc.constant('send again' as const), which, ids: bits, typed: bits, fresh: fc.nat(2) })),
  weighted(1, fc.record({ kind: fc.constant('repeat' as const), which })),
  weighted(2, fc.record({ kind: fc.constant('minutes' as const), minutes: fc.integer({ min: 1, max: 70 }) })),
  weighted(
    4,
    fc.record({
      kind: fc.constantFrom('undo' as const, 'empty Deleted' as const, 'keeping time' as const, 'send now' as const, 'crash' as const),
    }),
  ),
); // prettier-ignore

/** One recipient of one message. */
interface Life {
  readonly address: string;
  fate: 'waits' | 'has' | 'failed' | 'replaced';
  /** A server refused it; that counts once the attempt is over. */
  refused: boolean;
  /** It was with a server as its message was deleted. */
  flewAtDeletion: boolean;
}

interface Message {
  readonly id: string;
  readonly lives: readonly Life[];
  /** Number of the deletion; null = not in Deleted. */
  deletion: number | null;
  gone: boolean;
}

interface Question {
  readonly address: string;
  readonly answer: (verdict: Verdict) => void;
}

class World {
  readonly #messages: Message[] = [];
  #questions: Question[] = [];
  readonly #records: AttemptRecord[] = [];
  /** By address: how often a server took it, and how often it was given up. */
  readonly #taken = new Map<string, number>();
  readonly #givenUp = new Map<string, number>();
  #undo: { readonly selection: Selection; readonly deletion: number } | null = null;
  #numbers = 0;
  #lab: EngineLab | null = null;
  /** What went wrong where nobody could be told at once. */
  readonly #faults: string[] = [];

  get #open(): EngineLab {
    if (this.#lab === null) throw new Error('not open');
    return this.#lab;
  }

  async start(): Promise<void> {
    this.#lab = await createEngineLab(
      (_step, to) => (to === SENDER ? accepted : this.#ask(to)),
      (s) => ({ ...s, gateways: { ...s.gateways, list: gateways('office') } }),
    );
    this.#keepRecords();
  }

  async end(): Promise<void> {
    await this.#lab?.close();
  }

  #keepRecords(): void {
    const store = this.#open.store();
    const record = store.record.bind(store);
    store.record = async (one) => {
      this.#records.push(one);
      await record(one);
    };
  }

  /** Who waits at this address; not for a message that is gone for good. */
  #waitingAt(address: string): readonly { readonly m: Message; readonly l: Life }[] {
    return this.#messages.flatMap((m) =>
      m.gone ? [] : m.lives.filter((l) => l.address === address && l.fate === 'waits').map((l) => ({ m, l })),
    );
  }

  /** A server is asked for this recipient: it must be one that still waits, and of one message only. */
  #ask(address: string): Promise<Verdict> {
    const waiting = this.#waitingAt(address);
    const [one] = waiting;
    if (waiting.length !== 1) this.#faults.push(`${address} is tried for ${waiting.length} messages`);
    else if (one?.m.deletion !== null && one?.l.flewAtDeletion !== true)
      this.#faults.push(`${address} is tried although its message was deleted`);
    if (this.#questions.some((q) => q.address === address)) this.#faults.push(`${address} is with two servers`);
    return new Promise((answer) => this.#questions.push({ address, answer }));
  }

  #message(n: number): Message | undefined {
    return this.#messages.length === 0 ? undefined : this.#messages[n % this.#messages.length];
  }

  #newAddresses(count: number): readonly string[] {
    return Array.from({ length: count }, () => {
      this.#numbers += 1;
      return `r${this.#numbers}@${['a', 'b'][this.#numbers % 2] ?? 'a'}.test`;
    });
  }

  #add(id: string, addresses: readonly string[]): void {
    const lives = addresses.map((address): Life => ({ address, fate: 'waits', refused: false, flewAtDeletion: false }));
    this.#messages.push({ id, lives, deletion: null, gone: false });
  }

  async #states(m: Message): Promise<readonly RecipientState[]> {
    return ((await this.#open.store().details(m.id))?.recipients ?? []).map((r) => r.state);
  }

  async #flyingIn(m: Message): Promise<readonly number[]> {
    const { recipients = [] } = (await this.#open.store().details(m.id)) ?? {};
    return recipients.filter((r) => r.state === 'attempting').map((r) => r.id);
  }

  async #flies(m: Message): Promise<boolean> {
    return (await this.#flyingIn(m)).length > 0;
  }

  async #answer(n: number, how: keyof typeof VERDICTS): Promise<void> {
    const question = this.#questions[n % Math.max(1, this.#questions.length)];
    if (question === undefined) return;
    const { address } = question;
    this.#questions = this.#questions.filter((q) => q !== question);
    const life = this.#waitingAt(address)[0]?.l;
    if (life === undefined) throw new Error(`nobody waits at ${address}`);
    if (how === 'accepted') {
      life.fate = 'has';
      this.#taken.set(address, (this.#taken.get(address) ?? 0) + 1);
    }
    if (how === 'refused') life.refused = true;
    question.answer(VERDICTS[how]);
    await this.#open.settle();
  }

  async #delete(m: Message, forGood: boolean): Promise<void> {
    const states = await this.#states(m);
    const flies = states.includes('attempting');
    const answer = await this.#open.actions().remove({ selection: { ids: [m.id] }, forGood });
    if (!answer.ok) throw new Error(answer.error.message);
    const { count, sending, kept, undo } = answer.value;
    if (forGood) {
      const goes = !m.gone && m.deletion !== null && !flies;
      expect({ count, kept }).toEqual({ count: goes ? 1 : 0, kept: flies && m.deletion !== null ? 1 : 0 });
      m.gone ||= goes;
      return;
    }
    const moves = !m.gone && m.deletion === null;
    expect({ count, sending }).toEqual({ count: moves ? 1 : 0, sending: moves && flies ? 1 : 0 });
    if (!moves || undo === null) return;
    this.#markDeleted(m, states);
    this.#undo = { selection: undo, deletion: m.deletion ?? 0 };
  }

  #markDeleted(m: Message, states: readonly RecipientState[]): void {
    this.#numbers += 1;
    m.deletion = this.#numbers;
    m.lives.forEach((life, i) => (life.flewAtDeletion = states[i] === 'attempting'));
  }

  async #sendAgain(m: Message, one: Extract<Step, { kind: 'send again' }>): Promise<void> {
    const lab = this.#open;
    const details = await lab.store().details(m.id);
    const ids = (details?.recipients ?? []).filter((_, i) => (one.ids >> i) % 2 === 1).map((r) => r.id);
    const pendingElsewhere = (address: string): boolean =>
      this.#messages.some((o) => o !== m && o.lives.some((l) => l.address === address && l.fate !== 'has' && !o.gone));
    const typed = m.lives.filter((l, i) => (one.typed >> i) % 2 === 1 && !pendingElsewhere(l.address));
    const fresh = this.#newAddresses(one.fresh);
    const recipients = [...new Set([...typed.map((l) => l.address), ...fresh])];
    if (recipients.length === 0) return;
    const states = await this.#states(m);
    const byId = m.lives.filter((_, i) => (one.ids >> i) % 2 === 1);
    const byAddress = typed.filter((l) => l.fate === 'waits' || l.fate === 'failed');
    const named = [...new Set([...byId, ...byAddress])];
    const expected = m.gone
      ? 'not-found'
      : named.some((l) => states[m.lives.indexOf(l)] === 'attempting')
        ? 'in-flight'
        : byId.some((l) => l.fate === 'has' || l.fate === 'replaced')
          ? 'settled'
          : 'done';
    const answer = await lab.actions().resend({ id: m.id, replaces: ids, recipients });
    expect(answer.ok ? 'done' : answer.error.code).toBe(expected);
    if (!answer.ok) return;
    for (const life of named) life.fate = 'replaced';
    if (m.deletion === null && m.lives.every((l) => l.fate === 'replaced')) this.#markDeleted(m, []);
    // The engine is told already; the first question may come before this line.
    this.#add(answer.value.id, recipients);
    await lab.settle();
  }

  async #retry(m: Message, gateway: string | null): Promise<void> {
    const states = await this.#states(m);
    const waits = states.some((s) => isPending(s) && s !== 'attempting');
    const failed = states.some((s) => s === 'bounced' || s === 'bad');
    const touched = m.deletion === null && !m.gone && (waits || (failed && !states.some(isPending)));
    if (touched && !waits) for (const l of m.lives) if (l.fate === 'failed') Object.assign(l, { fate: 'waits', refused: false });
    const done = await this.#open.engine().retry({ ids: [m.id] }, gateway);
    expect(done.count).toBe(touched ? 1 : 0);
    await this.#open.settle();
  } // prettier-ignore

  async take(one: Step): Promise<void> {
    const lab = this.#open;
    const m = 'which' in one ? this.#message(one.which) : undefined;
    switch (one.kind) {
      case 'accept': {
        const to = this.#newAddresses(one.recipients);
        // Known before the engine asks: it does so at once.
        const lives = to.map((address): Life => ({ address, fate: 'waits', refused: false, flewAtDeletion: false }));
        const message = { id: '', lives, deletion: null, gone: false };
        this.#messages.push(message);
        message.id = await lab.accept(to);
        break;
      }
      case 'answer':
        await this.#answer(one.which, one.how);
        break;
      case 'delete':
      case 'delete for good':
        if (m !== undefined) await this.#delete(m, one.kind === 'delete for good');
        break;
      case 'restore':
        if (m === undefined) break;
        await lab.actions().restore({ ids: [m.id] });
        m.deletion = null;
        await lab.settle();
        break;
      case 'undo': {
        const undo = this.#undo;
        if (undo === null) break;
        await lab.actions().restore(undo.selection);
        for (const each of this.#messages) if (each.deletion === undo.deletion) each.deletion = null;
        await lab.settle();
        break;
      }
      case 'empty Deleted':
      case 'keeping time': {
        for (const each of this.#messages)
          if (each.deletion !== null && !each.gone && !(await this.#flies(each))) each.gone = true;
        if (one.kind === 'empty Deleted')
          await lab.actions().remove({ selection: { folder: 'deleted', search: '', except: [] }, forGood: true });
        else await lab.store().expireKept({ sentBefore: null, deletedBefore: lab.clock.now() + 1000 });
        break;
      }
      case 'retry':
      case 'send through':
        if (m !== undefined) await this.#retry(m, one.kind === 'retry' ? null : 'office');
        break;
      case 'send again':
        if (m !== undefined) await this.#sendAgain(m, one);
        break;
      case 'repeat': {
        const record = this.#records[one.which % Math.max(1, this.#records.length)];
        // An attempt's word comes again before the next attempt begins, but after anything that a user can do.
        const flying = (await Promise.all(this.#messages.map((each) => this.#flyingIn(each)))).flat();
        if (record?.updates.every(({ recipient }) => !flying.includes(recipient)) === true)
          await lab.store().record(record);
        break;
      }
      case 'minutes':
        await lab.advance(one.minutes * MINUTE);
        break;
      case 'send now':
        await lab.engine().sendNow();
        await lab.settle();
        break;
      case 'crash':
        // No server that was asked took it.
        this.#questions = [];
        for (const life of this.#messages.flatMap((each) => each.lives)) {
          life.flewAtDeletion = false;
          if (life.fate === 'waits') life.refused = false;
        }
        // Nothing starts in no time at all.
        lab.clock.jump(1000);
        await lab.crash();
        this.#keepRecords();
        break;
    }
    await this.#compare();
  }

  /** The queue says of every recipient what the model says. */
  async #compare(): Promise<void> {
    expect(this.#faults).toEqual([]);
    const store = this.#open.store();
    for (const m of this.#messages) {
      const details = await store.details(m.id);
      expect([m.id, details === null]).toEqual([m.id, m.gone]);
      if (details === null) continue;
      details.recipients.forEach(({ state, nextAt }, i) => {
        const life = m.lives[i];
        if (life === undefined) throw new Error('too many recipients');
        if (life.fate === 'waits' && life.refused && (state === 'bounced' || state === 'bad')) {
          life.fate = 'failed';
          this.#givenUp.set(life.address, (this.#givenUp.get(life.address) ?? 0) + (state === 'bounced' ? 1 : 0));
        }
        if (life.fate === 'waits' && state !== 'attempting') life.refused = false;
        const is = { attempting: 'waits', queued: 'waits', deferred: 'waits', held: 'waits', delivered: 'has', relayed: 'has', bounced: 'failed', bad: 'failed', replaced: 'replaced' }[state]; // prettier-ignore
        expect([life.address, is]).toEqual([life.address, life.fate]);
        if (is === 'waits' && state !== 'attempting')
          expect([life.address, nextAt === null]).toEqual([life.address, m.deletion !== null]);
      });
      const fates = m.lives.map((l) => l.fate);
      const folder = fates.includes('waits') ? 'outbox' : fates.includes('failed') ? 'failed' : 'sent';
      const is = details.folder === 'bounced' || details.folder === 'bad' ? 'failed' : details.folder;
      expect([m.id, is]).toEqual([m.id, m.deletion === null ? folder : 'deleted']);
    }
  }

  /** Everything is restored and every server says yes: each who waits has it once then, nobody else is asked. */
  async finish(): Promise<void> {
    const lab = this.#open;
    for (const [n, m] of this.#messages.entries()) if (m.deletion !== null) await this.take({ kind: 'restore', which: n });
    for (let turns = 0; this.#messages.some((m) => !m.gone && m.lives.some((l) => l.fate === 'waits')); turns += 1) {
      if (turns > 1000) throw new Error('somebody waits for ever');
      if (this.#questions.length === 0) await this.take({ kind: 'send now' });
      else await this.take({ kind: 'answer', which: 0, how: 'accepted' });
    }
    await this.take({ kind: 'minutes', minutes: 70 });
    expect(this.#questions).toEqual([]);
    const has = new Map<string, number>();
    for (const l of this.#messages.flatMap((m) => m.lives)) if (l.fate === 'has') has.set(l.address, (has.get(l.address) ?? 0) + 1);
    expect(this.#taken).toEqual(has);
    expect(await this.#reported()).toEqual(new Map([...this.#givenUp].filter(([, times]) => times > 0)));
    expect(lab.log.lines.filter((line) => line.startsWith('problem'))).toEqual([]);
  } // prettier-ignore

  /** By address: how often the sender was told that it was given up. */
  async #reported(): Promise<ReadonlyMap<string, number>> {
    const store = this.#open.store();
    const { rows } = await store.list({ folder: 'sent', search: '', sort: 'age', descending: false, offset: 0, limit: 1000 }); // prettier-ignore
    const told = new Map<string, number>();
    for (const { id, mailFrom } of rows) {
      if (mailFrom !== null) continue;
      const text = Buffer.from(await store.head(id, 100_000)).toString();
      for (const [, to = ''] of text.matchAll(/^Final-Recipient: rfc822; *(\S+)/gim)) told.set(to, (told.get(to) ?? 0) + 1);
    }
    return told;
  } // prettier-ignore
}

test('deleted, restored, tried again, sent again, sent through, purged, in flight or not, over crashes', async () => {
  const seed = Number(process.env['POSTCAST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  process.stdout.write(`user actions: seed ${seed} (POSTCAST_SEED)\n`);
  const until = Date.now() + Number(process.env['POSTCAST_RUNS_MS'] ?? 15_000);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }), async (steps) => {
      // A run that does not come to its end must fail, not be cut off: fast-check's own limits do that.
      if (Date.now() > until) return;
      const world = new World();
      try {
        await world.start();
        for (const recipients of [3, 1]) await world.take({ kind: 'accept', recipients });
        for (const one of steps) await world.take(one);
        await world.finish();
      } finally {
        await world.end();
      }
    }),
    {
      seed,
      numRuns: Number(process.env['POSTCAST_RUNS'] ?? 40),
    },
  );
}, 600_000);
