/**
 * The soak's house on the virtual clock: the engine with its real queue (SQLite), delivery, API and settings file in this process,
 * over sockets and name service in memory. Two hours take minutes, and the same seed gives the same run. What is not here:
 * listener, command line and the glue of main/program/program.ts, which the house in real time has.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stageForDelivery } from '../../main/scheduler/accept-and-claim.ts';
import { engineMethods, type EngineMethodName, type Input, type Output } from '../../shared/ipc-contract.ts';
import type { Result } from '../../shared/result.ts';
import type { Settings } from '../../shared/settings.ts';
import type { NetworkState } from '../../shared/status.ts';
import { memorySecrets } from '../fakes/memory-secrets.ts';
import { installMemoryNetwork, type MemoryNetwork } from '../fakes/memory-network.ts';
import { VirtualClock } from '../fakes/virtual-clock.ts';
import { createChance, type Chance } from './chance.ts';
import type { Called, House, SoakNetwork, Submission, Submitted } from './house.ts';
import { createInternet, PASSWORD, resolve, SIGN_IN_GATEWAY, type DnsMood } from './internet.ts';
import { createMailServer, type MailServer, type Mood, type Witness } from './mail-server.ts';
import { networkState } from './network-state.ts';
import { createLife, type Life } from './virtual-program.ts';

/** Turns of the event loop without any activity after which nothing more comes by itself. */
const QUIET_TURNS = 10;
/** Within so many turns of its work the program is killed. */
const KILL_WITHIN_TURNS = 60;

/** Calls that parts answer which this house does without. */
const NOT_HERE: ReadonlySet<EngineMethodName> = new Set(['status.get', 'control.pickup', 'queue.preview']);

export function createVirtualHouse(seed: number): House {
  return new VirtualHouse(seed);
}

class VirtualHouse implements House {
  readonly paceMs = 2_500;
  readonly retryMinutes = [0.5, 1, 2, 5, 10];
  readonly drainStepMs = 3 * 60_000;
  readonly tolerances = { attemptMs: 4 * 60_000, unheardMs: 1_000, restMs: 16 * 60_000 };
  readonly internet = createInternet((kind, n) =>
    kind === 'mx' ? { address: `203.0.113.${10 + n}`, port: 25 } : { address: `198.51.100.${10 + n}`, port: 587 },
  );
  readonly #seed: number;
  readonly #clock = new VirtualClock();
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'postcast-soak-'));
  readonly #file = path.join(this.#folder, 'settings.json');
  readonly #chance: Chance;
  readonly #secrets = memorySecrets({ [`gateway:${SIGN_IN_GATEWAY}`]: PASSWORD });
  readonly #servers = new Map<string, MailServer>();
  #memory: MemoryNetwork | null = null;
  #resolver: DnsMood = 'sane';
  #network: SoakNetwork = { name: 'home', portal: false, dialUp: false };
  #joined = 0;
  #state: NetworkState = networkState(this.#network, 0);
  readonly #watchers = new Set<(state: NetworkState) => void>();
  #trouble: (words: string) => void = () => undefined;
  #life: Life | null = null;
  #lives = 0;
  #activity = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.#chance = createChance(seed, 'program');
  }

  now(): number {
    return this.#clock.monotonic();
  }
  wall(): number {
    return this.#clock.now();
  }

  async open(witness: Witness, trouble: (words: string) => void, settings: Settings): Promise<void> {
    this.#trouble = trouble;
    writeFileSync(this.#file, `${JSON.stringify(settings, null, 2)}\n`);
    for (const host of this.internet.hosts) {
      const ports = {
        seed: this.#seed,
        now: () => this.now(),
        after: (ms: number, run: () => void) => void this.#clock.after(ms, run),
        witness,
        slowMs: 4_000,
      };
      this.#servers.set(host.id, createMailServer(host, ports));
    }
    this.#memory = installMemoryNetwork({
      local: () => '192.0.2.7',
      route: (address, port) => {
        if (this.#network.name === null) return { kind: 'error', code: 'ENETUNREACH' };
        const host = this.internet.hosts.find((h) => h.address === address && h.port === port);
        const server = host && this.#servers.get(host.id);
        return server ? { kind: 'server', serve: server.serve } : { kind: 'error', code: 'ECONNREFUSED' };
      },
      name: (type, name) => {
        const mood = this.#network.name === null ? 'dead' : this.#resolver;
        const answer = resolve(this.internet, mood, '192.0.2.250', type, name);
        switch (answer.kind) {
          case 'nxdomain':
            return { kind: 'error', code: 'ENOTFOUND' };
          case 'nodata':
            return { kind: 'error', code: 'ENODATA' };
          case 'servfail':
            return { kind: 'error', code: 'ESERVFAIL' };
          case 'silence':
            return { kind: 'silence' };
          default:
            return { kind: 'records', records: answer.records };
        }
      },
    });
    await this.start();
  }

  // ------------------------------------------------------------ the program

  running(): boolean {
    return this.#life !== null;
  }

  async start(): Promise<void> {
    if (this.#life) return;
    this.#lives += 1;
    this.#life = await this.#begin();
    await this.#settle();
  }

  async #begin(): Promise<Life> {
    const life = await createLife({
      folder: this.#folder,
      runId: `run-${this.#lives}`,
      clock: this.#clock,
      random: { next: () => this.#chance.next(), hex: (bytes) => this.#chance.hex(bytes) },
      secrets: this.#secrets,
      network: () => this.#state,
      watchers: this.#watchers,
      active: () => {
        this.#activity += 1;
      },
      trouble: this.#trouble,
    });
    await this.#settleWhile(life.start());
    return life;
  }

  /** Turns of the event loop until nothing more happens by itself at this moment of the clock. */
  async #settle(): Promise<void> {
    let seen = -1;
    for (let quiet = 0, turns = 0; quiet < QUIET_TURNS; turns += 1) {
      await new Promise((done) => setImmediate(done));
      const activity = this.#activity + (this.#memory?.activity() ?? 0);
      quiet = activity === seen ? quiet + 1 : 0;
      seen = activity;
      if (turns > 1_000_000) throw new Error('the program does not come to rest');
    }
  }

  /** Turns of the event loop until it is done; the clock stands. */
  async #settleWhile(result: Promise<void>): Promise<void> {
    const state = watched(result);
    while (!state.over) await new Promise((turn) => setImmediate(turn));
    return result;
  }

  /** Lets the clock run until it is done. */
  async #whilePassing(result: Promise<void>): Promise<void> {
    const state = watched(result);
    while (!state.over) await this.#clock.advance(100, () => this.#settle());
    return result;
  }

  async kill(moment: number): Promise<void> {
    for (let turns = Math.floor(moment * KILL_WITHIN_TURNS); turns > 0; turns -= 1)
      await new Promise((done) => setImmediate(done));
    this.#life?.kill();
    this.#gone();
    await this.#settle();
  }

  async quit(): Promise<void> {
    if (!this.#life) return;
    await this.#whilePassing(this.#life.quit());
    this.#gone();
    await this.#settle();
  }

  #gone(): void {
    this.#life = null;
    this.#memory?.programGone();
  }

  async wakeUp(): Promise<void> {
    await this.#life?.engine.wokeUp();
    await this.#settle();
  }

  // ------------------------------------------------------------ what is asked of it

  async submit({ sender, recipients, text }: Submission): Promise<Submitted> {
    const life = this.#life;
    if (!life) return { kind: 'refused', words: 'nobody listens' };
    const id = life.newQueueId();
    const staged = stageForDelivery(life.store, life.engine)(id);
    const taken = (async (): Promise<Submitted> => {
      try {
        await staged.write(new TextEncoder().encode(text));
        await staged.commit({
          id,
          acceptedAt: this.wall(),
          mailFrom: sender,
          recipients: recipients.map(({ address, notify }) => ({ rcptTo: address, dsn: notify ? { notify } : {} })),
          dsn: {},
          body8bit: false,
          smtputf8: false,
          origin: { kind: 'smtp', client: '127.0.0.1' },
          subject: /^Subject: (.*)\r$/m.exec(text)?.[1] ?? '',
          headerFrom: sender,
          messageId: null,
        });
        return { kind: 'accepted', id };
      } catch (error) {
        return { kind: 'refused', words: String(error) };
      }
    })();
    return Promise.race([taken, life.died.then((): Submitted => ({ kind: 'unknown' }))]);
  }

  async call<M extends EngineMethodName>(method: M, input: Input<M>): Promise<Called<Output<M>>> {
    const life = this.#life;
    if (!life) return { kind: 'gone' };
    if (NOT_HERE.has(method)) return { kind: 'failed', code: 'not-here', message: '' };
    const run = life.api[method] as (input: unknown) => Promise<Result<Output<M>>>;
    const answer = await Promise.race([run(engineMethods[method].input.parse(input)), life.died]);
    if (answer === 'gone') return { kind: 'gone' };
    return answer.ok
      ? { kind: 'answer', value: answer.value }
      : { kind: 'failed', code: answer.error.code, message: answer.error.message };
  }

  settingsText(): string {
    return readFileSync(this.#file, 'utf8');
  }

  async writeSettings(text: string): Promise<void> {
    writeFileSync(this.#file, text);
    // Its first word makes it look at once.
    await this.#life?.settings.watch();
    await this.#settle();
  }

  // ------------------------------------------------------------ the world

  async pass(ms: number): Promise<void> {
    await this.#clock.advance(ms, () => this.#settle());
  }

  serverMood(id: string): { readonly mood: Mood; readonly since: number } {
    const server = this.#servers.get(id);
    return { mood: server?.mood() ?? 'willing', since: server?.moodSince() ?? 0 };
  }
  become(id: string, mood: Mood): void {
    this.#servers.get(id)?.become(mood);
  }
  resolver(mood: DnsMood): void {
    this.#resolver = mood;
  }

  async network(next: SoakNetwork): Promise<void> {
    if (next.name !== this.#network.name) this.#memory?.cutAll();
    const moved = next.name !== null && next.name !== this.#network.name;
    this.#network = next;
    if (moved) this.#joined += 1;
    this.#state = networkState(next, this.#joined);
    for (const watcher of [...this.#watchers]) watcher(this.#state);
    await this.#settle();
  }

  jumpClock(ms: number): void {
    this.#clock.jump(ms);
  }

  async close(): Promise<void> {
    await this.quit();
    this.#memory?.remove();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Tells when it is over, however. */
function watched(result: Promise<void>): { readonly over: boolean } {
  const state = { over: false };
  const end = (): void => {
    state.over = true;
  };
  result.then(end, end);
  return state;
}
