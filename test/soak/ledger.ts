/**
 * The book that the test keeps for itself: who was accepted, what the user did to whom, under which conditions, and who arrived
 * how often. It knows nothing of the program but the answers that a mail program or a user sees.
 *
 * A *person* is a recipient's address, which belongs to one message alone. A *copy* is a person in one message of the queue: the
 * message as it was accepted, and each one that the user had sent again. Times are milliseconds of the soak (they never jump).
 */
import { createHash, type Hash } from 'node:crypto';
import { holds, isLimited, mayGoDirect, mayUseGateway, type Conditions } from './conditions.ts';
import { exists, type Host } from './internet.ts';
import { isWhole, readReport, type Report } from './letter-text.ts';
import type { Taken, Witness } from './mail-server.ts';
import type { Rule } from './rules.ts';

interface Spell {
  readonly from: number;
  until: number;
  readonly conditions: Conditions;
}

/** One arrival of a message at one recipient's server. */
export interface Arrival {
  readonly hop: string;
  readonly direct: boolean;
  readonly at: number;
  /** When the positive reply went out is with the server. */
  readonly taken: { answeredAt: number | null };
}

export type UserAct = 'retry' | 'delete' | 'restore' | 'resend' | 'purge' | 'send now';

/** What the user did; `doneAt` null: not answered (yet), so perhaps done, perhaps not. */
export interface Act {
  readonly what: UserAct;
  readonly at: number;
  doneAt: number | null;
  /** The gateway that he chose. */
  readonly through: string | null;
}

export interface Copy {
  readonly person: Person;
  /** Queue id; null while it is not known. */
  id: string | null;
  /** False: perhaps the program does not have it (no answer yet, or the answer was lost). */
  sure: boolean;
  readonly since: number;
  readonly sinceWall: number;
  readonly acts: Act[];
  /** Spans in which it may be sent: until the user closed it, from when he took that back. */
  readonly open: { readonly from: number; until: number }[];
}

export interface Person {
  readonly address: string;
  readonly domain: string;
  /** Of the message; null: a report of the program's own is never a person. */
  readonly sender: string | null;
  readonly tag: string;
  /** RFC 3461 NOTIFY; absent = the default. */
  readonly notify: readonly ('never' | 'success' | 'failure' | 'delay')[] | undefined;
  readonly copies: Copy[];
  readonly arrivals: Arrival[];
  readonly refusals: { readonly hop: string; readonly at: number }[];
  /** Unknown outcomes that a server made on purpose. */
  readonly lost: { readonly hop: string; readonly network: string | null; readonly at: number }[];
  /** Hops that heard RCPT TO for it. */
  readonly asked: { readonly hop: string; readonly at: number }[];
}

/** A message as it was handed in. */
export interface Letter {
  readonly tag: string;
  readonly sender: string | null;
  readonly people: readonly Person[];
  /** `unknown`: the client never heard what became of it. */
  outcome: 'accepted' | 'refused' | 'unknown';
  id: string | null;
}

export interface Violation {
  readonly rule: Rule;
  readonly at: number;
  readonly what: string;
}

/** How exact times can be told of from outside. */
export interface Tolerances {
  /** An attempt that began under other conditions may go on for so long. */
  readonly attemptMs: number;
  /** A reply that went out so shortly before a kill or a lost network may not have been heard, or not be on disk. */
  readonly unheardMs: number;
  /** A gateway that failed may be left alone for so long. */
  readonly restMs: number;
}

/** Lines of the diary that are kept for reading. */
const DIARY_KEPT = 20_000;

export class Ledger implements Witness {
  readonly letters = new Map<string, Letter>();
  readonly people = new Map<string, Person>();
  /** By queue id. */
  readonly copies = new Map<string, Copy[]>();
  readonly reports = new Map<string, Report>();
  readonly violations: Violation[] = [];
  /** The newest lines. */
  readonly diary: string[] = [];
  /** Told of each line, for whoever wants all of them. */
  onLine: (line: string) => void = () => undefined;
  readonly spells: Spell[] = [];
  /** Kills, networks that went: what was under way then may have gone either way. */
  readonly disturbances: number[] = [];
  readonly walls: { readonly at: number; readonly wall: number }[] = [];
  /** Since when each host is willing and can be reached; absent = it is not. */
  readonly willingSince = new Map<string, number>();
  readonly tolerances: Tolerances;
  readonly #now: () => number;
  readonly #wall: () => number;
  readonly #digest: Hash = createHash('sha256');

  constructor(options: {
    readonly now: () => number;
    /** The time of day that the program sees. */
    readonly wall: () => number;
    readonly first: Conditions;
    readonly tolerances: Tolerances;
  }) {
    this.#now = options.now;
    this.#wall = options.wall;
    this.tolerances = options.tolerances;
    this.spells.push({ from: -Infinity, until: Infinity, conditions: options.first });
    this.noteWall();
  }

  /** Writes a line into the diary. */
  note(line: string): void {
    const whole = `${(this.#now() / 1000).toFixed(3)} ${line}`;
    this.#digest.update(`${whole}\n`);
    this.diary.push(whole);
    this.onLine(whole);
    if (this.diary.length > 2 * DIARY_KEPT) this.diary.splice(0, DIARY_KEPT);
  }

  /** The same for two runs in which the same happened. */
  digest(): string {
    return this.#digest.copy().digest('hex');
  }

  break(rule: Rule, what: string): void {
    this.violations.push({ rule, at: this.#now(), what });
    this.note(`VIOLATION ${rule}: ${what}`);
  }

  // ------------------------------------------------------------ conditions

  get conditions(): Conditions {
    return this.spells.at(-1)!.conditions;
  }

  /**
   * Conditions begin to change: from now on both the old and the new ones may hold, until the returned function is called.
   */
  changing(change: Partial<Conditions>): () => void {
    const next: Spell = { from: this.#now(), until: Infinity, conditions: { ...this.conditions, ...change } };
    this.spells.push(next);
    this.note(`conditions ${JSON.stringify(change)}`);
    return () => {
      for (const spell of this.spells)
        if (spell !== next && spell.from <= next.from) spell.until = Math.min(spell.until, this.#now());
    };
  }

  /** Whether it held at some moment between the two. */
  held(from: number, to: number, condition: (conditions: Conditions) => boolean): boolean {
    return this.spells.some((spell) => spell.from <= to && spell.until >= from && condition(spell.conditions));
  }

  /** The program was killed, or the network went. */
  disturb(): void {
    this.disturbances.push(this.#now());
  }

  noteWall(): void {
    this.walls.push({ at: this.#now(), wall: this.#wall() });
  }

  /** The largest age (ms) by the clock that the program sees that something from then can have had. */
  oldest(sinceWall: number): number {
    return Math.max(this.#wall(), ...this.walls.map((w) => w.wall)) - sinceWall;
  }

  // ------------------------------------------------------------ what goes in

  /** A message is handed in; `outcome` is told later. */
  handIn(
    tag: string,
    sender: string | null,
    recipients: readonly { readonly address: string; readonly notify?: Person['notify'] }[],
  ): Letter {
    const people = recipients.map(({ address, notify }) => this.#person(address, tag, sender, notify));
    const letter: Letter = { tag, sender, people, outcome: 'unknown', id: null };
    this.letters.set(tag, letter);
    // It may arrive before its client is answered.
    for (const person of people) this.addCopy(person);
    return letter;
  }

  accepted(letter: Letter, id: string): void {
    letter.outcome = 'accepted';
    letter.id = id;
    this.note(`accepted ${letter.tag} as ${id} for ${letter.people.map((p) => p.address).join(' ')}`);
    for (const { copies } of letter.people) for (const copy of copies) this.confirm(copy, id);
  }

  refusedToTake(letter: Letter, words: string): void {
    letter.outcome = 'refused';
    this.note(`not accepted ${letter.tag}: ${words}`);
    for (const { copies } of letter.people) for (const copy of [...copies]) this.withdraw(copy);
  }

  /** The client lost the connection before it was answered. */
  neverAnswered(letter: Letter): void {
    this.note(`never answered ${letter.tag}`);
  }

  #person(address: string, tag: string, sender: string | null, notify: Person['notify']): Person {
    const known = this.people.get(address);
    if (known) return known;
    const domain = address.slice(address.indexOf('@') + 1);
    const person: Person = {
      address,
      domain,
      sender,
      tag,
      notify,
      copies: [],
      arrivals: [],
      refusals: [],
      lost: [],
      asked: [],
    };
    this.people.set(address, person);
    return person;
  }

  /** A person may be in one more message of the queue from now on. */
  addCopy(person: Person): Copy {
    const now = this.#now();
    const copy: Copy = {
      person,
      id: null,
      sure: false,
      since: now,
      sinceWall: this.#wall(),
      acts: [],
      open: [{ from: now, until: Infinity }],
    };
    person.copies.push(copy);
    return copy;
  }

  /** The program said that it has it. */
  confirm(copy: Copy, id: string): void {
    copy.id = id;
    copy.sure = true;
    this.copies.set(id, [...(this.copies.get(id) ?? []), copy]);
  }

  /** The program said that it does not have it. */
  withdraw(copy: Copy): void {
    copy.person.copies.splice(copy.person.copies.indexOf(copy), 1);
  }

  /** The user sends a message again, to this address, which may be new; what its sender wanted to be told stays. */
  sendAgain(of: Copy, address: string): Copy {
    return this.addCopy(this.#person(address, of.person.tag, of.person.sender, of.person.notify));
  }

  // ------------------------------------------------------------ what the user does

  /**
   * The user begins to do something to these copies. Returns what to call when it is done, if it is certain that it was done to
   * all of them.
   */
  acting(what: UserAct, copies: readonly Copy[], through: string | null = null): () => void {
    const at = this.#now();
    const acts = copies.map((copy) => {
      const act: Act = { what, at, doneAt: null, through };
      copy.acts.push(act);
      if (what === 'restore') copy.open.push({ from: at, until: Infinity });
      return { copy, act };
    });
    return () => {
      for (const { copy, act } of acts) {
        act.doneAt = this.#now();
        if (what !== 'delete' && what !== 'resend' && what !== 'purge') continue;
        for (const span of copy.open) if (span.from < at) span.until = Math.min(span.until, act.doneAt);
      }
    };
  }

  /** When a server refused the null reverse-path: it does not tell whose message it was. */
  readonly nullSenderRefused: number[] = [];
  readonly #chosen = new Map<string, Set<string>>();
  /** The user sends a report (whose recipient is no person) through a gateway. */
  choose(address: string, gateway: string): void {
    this.#chosen.set(address, (this.#chosen.get(address) ?? new Set()).add(gateway));
  }

  // ------------------------------------------------------------ what the servers see

  connected(host: Host): void {
    this.note(`connected ${host.id}`);
    const now = this.#now();
    if (!this.held(now - this.tolerances.attemptMs, now, (c) => c.readable && !holds(c)))
      this.break('held', `${host.id} was connected to while the queue has to hold`);
  }

  asked(host: Host, from: string | null, to: string): void {
    this.note(`rcpt ${host.id} ${to}`);
    const person = this.people.get(to);
    const now = this.#now();
    // A report is no person: how long it has been there is not known.
    const begun = person ? Math.min(now, ...person.copies.map((copy) => copy.since)) : -Infinity;
    const since = Math.max(now - this.tolerances.attemptMs, begun);
    const domain = to.slice(to.indexOf('@') + 1);
    if (host.kind === 'mx') {
      if (!this.held(since, now, (c) => mayGoDirect(c, domain)))
        this.break('direct', `${to} went directly to ${host.id}, in mode ${this.conditions.mode}`);
    } else {
      const chosen =
        (person?.copies ?? []).some((c) => c.acts.some((a) => a.through === host.id)) ||
        this.#chosen.get(to)?.has(host.id) === true;
      if (!this.held(since, now, (c) => mayUseGateway(c, host.id, domain, from, chosen)))
        this.break('gateway', `${to} went to gateway ${host.id}, in mode ${this.conditions.mode}`);
    }
    if (!person) return;
    if (person.copies.length > 0 && person.copies.every((c) => !c.open.some((o) => o.from <= now && o.until >= since)))
      this.break('closed', `${to} is sent to at ${host.id} though the user has closed it`);
    const { outcome } = this.letters.get(person.tag) ?? {};
    if (outcome === 'refused') this.break('refused', `${to} is sent to though its message was not accepted`);
    this.#repeatsDoubt(person, host);
    person.asked.push({ hop: host.id, at: now });
  }

  /** After an unknown outcome another usable gateway comes first (spec §3.2). */
  #repeatsDoubt(person: Person, host: Host): void {
    const last = person.lost.at(-1);
    const now = this.#now();
    if (host.kind !== 'gateway' || last?.hop !== host.id) return;
    if (person.copies.some((c) => c.acts.some((a) => a.through !== null))) return;
    // It went elsewhere, was taken or heard something else there meanwhile: another story.
    if (person.arrivals.some((a) => a.at > last.at) || person.refusals.some((r) => r.at > last.at)) return;
    if (person.asked.some((a) => a.at > last.at)) return;
    const from = last.at - this.tolerances.attemptMs;
    const usable = (id: string): boolean =>
      (this.willingSince.get(id) ?? Infinity) < now - this.tolerances.restMs &&
      !this.held(from, now, (c) => !mayUseGateway(c, id, person.domain, person.sender, false) || isLimited(c, id));
    const other = this.conditions.gateways.find((g) => g.id !== host.id && usable(g.id));
    if (other)
      this.break(
        'doubt',
        `${person.address} goes to ${host.id} again, which lost the connection after the dot; ${other.id} is there`,
      );
  }

  refused(host: Host, from: string | null, to: string | null): void {
    this.note(`refused ${host.id} ${to ?? `all of ${from ?? '<>'}`}`);
    if (from === null && to === null) this.nullSenderRefused.push(this.#now());
    for (const person of to === null ? this.peopleOf(from) : [this.people.get(to)])
      person?.refusals.push({ hop: host.id, at: this.#now() });
  }

  /** Everybody that this sender wrote to: each sender writes one message. */
  peopleOf(sender: string | null): readonly Person[] {
    return sender === null ? [] : [...this.people.values()].filter((person) => person.sender === sender);
  }

  took(host: Host, _from: string | null, to: readonly string[], text: string): Taken {
    const taken: Taken = { answeredAt: null };
    const now = this.#now();
    this.note(`took ${host.id} ${to.join(' ')}`);
    const report = readReport(text);
    if (report) this.reported(report);
    const tag = /^X-Soak: (\S+)/im.exec(text)?.[1];
    for (const address of to) {
      const person = this.people.get(address);
      if (!person) continue;
      if (person.tag !== tag && !person.tag.startsWith('test'))
        this.break('text', `${address} of ${person.tag} got the text of ${tag ?? 'something else'}`);
      else if (tag !== undefined && !isWhole(text, tag))
        this.break('text', `${address} got less than the whole text of ${tag}`);
      person.arrivals.push({ hop: host.id, direct: host.kind === 'mx', at: now, taken });
      const copies = person.copies.length;
      if (person.arrivals.length > copies + this.unexplained(person))
        this.break(
          'twice',
          `${address} arrived ${person.arrivals.length} times, was sent ${copies} times by the user: ${this.story(person)}`,
        );
    }
    return taken;
  }

  /** Arrivals of which the program may not know: lost after the dot, or by a kill or a network that went. */
  unexplained(person: Person): number {
    // The newest one does not explain itself.
    return person.arrivals.slice(0, -1).filter((a) => !this.wasHeard(a)).length;
  }

  /** Whether the program must have heard, and written down, that it was taken. */
  wasHeard({ at, taken }: Arrival): boolean {
    const until = taken.answeredAt;
    return until !== null && !this.disturbances.some((d) => d >= at && d <= until + this.tolerances.unheardMs);
  }

  lost(host: Host, to: readonly string[]): void {
    this.note(`lost after the dot ${host.id} ${to.join(' ')}`);
    const { network } = this.conditions;
    for (const address of to) {
      const person = this.people.get(address);
      if (!person) continue;
      person.lost.push({ hop: host.id, network, at: this.#now() });
      const here = person.lost.filter((l) => l.hop === host.id && l.network === network).length;
      const acts = person.copies.flatMap((c) => c.acts).length;
      // Told once.
      if (here === 3 * Math.max(1, person.copies.length) * (1 + acts) + 1)
        this.break('doubt', `${address}: ${here} unknown outcomes at ${host.id} on ${network ?? 'no network'}`);
    }
  }

  reported(report: Report): void {
    if (this.reports.has(report.messageId)) return;
    this.reports.set(report.messageId, report);
    this.note(`report ${report.tag}: ${report.recipients.map((r) => `${r.action} ${r.address}`).join(', ')}`);
  }

  story(person: Person): string {
    return person.arrivals
      .map((a) => `${a.hop} at ${(a.at / 1000).toFixed(3)}${this.wasHeard(a) ? '' : ' (not known to have been heard)'}`)
      .join(', ');
  }
}

/** Whether there is no such domain, whoever is asked. */
export function isMistyped(person: Person): boolean {
  return !exists(person.domain);
}
