/**
 * The soak's house in real time: the program as a process of its own (program-host.ts), its listener, its control socket and its
 * settings file; mail servers and a resolver on loopback. It is killed by its process id, and started again on the same profile.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { connectControl, type ControlClient } from '../../main/control/control-client.ts';
import { controlPlace, thisComputer } from '../../main/control/profile-path.ts';
import type { EngineMethodName, Input, Output } from '../../shared/ipc-contract.ts';
import type { Settings } from '../../shared/settings.ts';
import { startScriptedDns, type DnsMood as ServerMood, type ScriptedDns } from '../fakes/scripted-dns-server.ts';
import { freePort } from '../support/ports.ts';
import { buildProgram, root, type BuiltProgram } from '../support/program-rig.ts';
import { greetedClient } from '../support/smtp-load.ts';
import type { Called, House, SoakNetwork, Submission, Submitted } from './house.ts';
import { createInternet, PASSWORD, SIGN_IN_GATEWAY, zoneOf, type DnsMood, type Internet } from './internet.ts';
import { createMailServer, type MailServer, type Mood, type Witness } from './mail-server.ts';
import { networkState } from './network-state.ts';
import type { HostOrder, HostTask, HostWord } from './program-host.ts';

/** Nobody listens there: where a resolver leads that has one address for every name. */
const LIE = '127.0.66.66';
const SERVER_MOODS: Readonly<Record<DnsMood, ServerMood>> = {
  sane: { kind: 'zone' },
  'knows-nothing': { kind: 'no-names' },
  'one-for-all': { kind: 'one-address', address: LIE },
  redirects: { kind: 'redirects', address: LIE },
  servfail: { kind: 'fails' },
  dead: { kind: 'silent' },
};
/** The program is killed within this time (ms) of the word. */
const KILL_WITHIN_MS = 250;
/** Starting and ending are bounded by this (ms): the machine may be busy. */
const PATIENCE_MS = 60_000;

interface Life {
  readonly process: ChildProcess;
  readonly control: ControlClient;
  readonly exited: Promise<void>;
  order(order: OrderOf<HostOrder>): Promise<void>;
}
type OrderOf<T> = T extends unknown ? Omit<T, 'n'> : never;

/** Builds the program and finds free ports. Nothing runs yet. */
export async function createRealHouse(seed: number): Promise<House> {
  const built = await buildProgram(path.join(root, 'test/soak/program-host.ts'));
  const mx = Array.from({ length: 12 }, (_, n) => `127.0.31.${10 + n}`);
  const gateways = Array.from({ length: 8 }, (_, n) => `127.0.32.${10 + n}`);
  const directPort = await freePort(mx);
  const gatewayPort = await freePort(gateways);
  const listenerPort = await freePort();
  const internet = createInternet((kind, n) =>
    kind === 'mx' ? { address: mx[n] ?? '', port: directPort } : { address: gateways[n] ?? '', port: gatewayPort },
  );
  return new RealHouse(seed, built, internet, listenerPort);
}

class RealHouse implements House {
  readonly paceMs = 60;
  readonly retryMinutes = [0.01, 0.02, 0.05, 0.1];
  readonly drainStepMs = 1_000;
  readonly tolerances = { attemptMs: 30_000, unheardMs: 3_000, restMs: 16 * 60_000 };
  readonly internet: Internet;
  readonly #seed: number;
  readonly #built: BuiltProgram;
  readonly #port: number;
  readonly #began = performance.now();
  readonly #profile = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'postcast-soak-')));
  readonly #file = path.join(this.#profile, 'settings.json');
  readonly #secrets = new Map([[`gateway:${SIGN_IN_GATEWAY}`, PASSWORD]]);
  readonly #servers = new Map<string, { readonly mail: MailServer; readonly tcp: net.Server }>();
  readonly #sockets = new Set<net.Socket>();
  #dns: ScriptedDns | null = null;
  #ahead = 0;
  #network: SoakNetwork = { name: 'home', portal: false, dialUp: false };
  #joined = 0;
  #life: Life | null = null;
  #orders = 0;
  #trouble: (words: string) => void = () => undefined;

  constructor(seed: number, built: BuiltProgram, internet: Internet, port: number) {
    this.#seed = seed;
    this.#built = built;
    this.internet = internet;
    this.#port = port;
  }

  now(): number {
    return performance.now() - this.#began;
  }
  wall(): number {
    return Date.now() + this.#ahead;
  }

  async open(witness: Witness, trouble: (words: string) => void, settings: Settings): Promise<void> {
    this.#trouble = trouble;
    this.#dns = await startScriptedDns(zoneOf(this.internet));
    for (const host of this.internet.hosts) {
      const mail = createMailServer(host, {
        seed: this.#seed,
        now: () => this.now(),
        after: (ms, run) => void setTimeout(run, ms).unref(),
        witness,
        slowMs: 250,
      });
      const tcp = net.createServer((socket) => {
        this.#sockets.add(socket);
        socket.on('close', () => this.#sockets.delete(socket));
        socket.setNoDelay(true);
        mail.serve(socket);
      });
      await new Promise<void>((listening, failed) => {
        tcp.once('error', failed);
        tcp.listen(host.port, host.address, listening);
      });
      this.#servers.set(host.id, { mail, tcp });
    }
    const { server, connection, gateways } = settings;
    const first = {
      ...settings,
      server: { ...server, port: this.#port },
      gateways: { ...gateways, headStartMs: 500 },
      connection: { ...connection, dnsServers: [this.#dns.server], dnsTimeoutSeconds: 1 },
    };
    writeFileSync(this.#file, JSON.stringify(first));
    await this.start();
  }

  // ------------------------------------------------------------ the program

  running(): boolean {
    return this.#life !== null;
  }

  async start(): Promise<void> {
    if (this.#life) return;
    const task: HostTask = {
      profile: this.#profile,
      network: networkState(this.#network, this.#joined),
      ahead: this.#ahead,
      secrets: Object.fromEntries(this.#secrets),
    };
    const file = path.join(this.#profile, 'task.json');
    writeFileSync(file, JSON.stringify(task));
    const child = spawn(process.execPath, [this.#built.child, file], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const waiting = new Map<number, () => void>();
    const exited = new Promise<void>((gone) => {
      child.once('exit', () => {
        for (const done of waiting.values()) done();
        waiting.clear();
        gone();
      });
    });
    const stands = new Promise<void>((done, failed) => {
      child.on('message', (word: HostWord) => {
        switch (word.kind) {
          case 'stands':
            return done();
          case 'failed':
            return failed(new Error(`the program did not start: ${word.why}`));
          case 'done':
            waiting.get(word.n)?.();
            waiting.delete(word.n);
            return;
          case 'secret':
            if (word.value === null) this.#secrets.delete(word.name);
            else this.#secrets.set(word.name, word.value);
        }
      });
      void exited.then(() => failed(new Error('the program ended while it started')));
    });
    stands.catch(() => undefined);
    await within(stands, 'the program stands');
    const control = await connectControl(controlPlace(this.#profile, thisComputer(os)));
    if (!control) throw new Error('nobody answers on the control socket');
    this.#life = {
      process: child,
      control,
      exited,
      order: (order) =>
        new Promise((done) => {
          this.#orders += 1;
          waiting.set(this.#orders, done);
          // The answer of one that is gone is its end.
          if (child.connected) child.send({ ...order, n: this.#orders });
          else done();
        }),
    };
    void exited.then(() => {
      if (this.#life?.process === child) this.#life = null;
    });
  }

  async kill(moment: number): Promise<void> {
    const life = this.#life;
    if (!life) return;
    await this.pass(moment * KILL_WITHIN_MS);
    life.process.kill('SIGKILL');
    await within(life.exited, 'the program is dead');
    this.#life = null;
  }

  async quit(): Promise<void> {
    const life = this.#life;
    if (!life) return;
    life.process.kill('SIGTERM');
    await within(life.exited, 'the program has ended');
    this.#life = null;
  }

  async wakeUp(): Promise<void> {
    await this.#life?.order({ kind: 'wake-up' });
  }

  // ------------------------------------------------------------ what is asked of it

  async submit({ sender, recipients, text }: Submission): Promise<Submitted> {
    const client = await greetedClient(this.#port);
    if (!client) return { kind: 'refused', words: 'nobody listens' };
    try {
      const lines = [
        `MAIL FROM:<${sender ?? ''}>`,
        ...recipients.map(
          ({ address, notify }) =>
            `RCPT TO:<${address}>${notify ? ` NOTIFY=${notify.map((n) => n.toUpperCase()).join(',')}` : ''}`,
        ),
      ];
      for (const line of lines) {
        const reply = await client.say(line);
        if (!reply.startsWith('250')) return { kind: 'refused', words: reply };
      }
      const data = await client.say('DATA');
      if (!data.startsWith('354')) return { kind: 'refused', words: data };
      client.socket.write(text.replaceAll(/^\./gm, '..'), 'latin1');
      const reply = await client.say('.');
      if (reply === '') return { kind: 'unknown' };
      const id = /queued as (\S+)/.exec(reply)?.[1];
      return reply.startsWith('250') && id !== undefined ? { kind: 'accepted', id } : { kind: 'refused', words: reply };
    } finally {
      client.close();
    }
  }

  async call<M extends EngineMethodName>(method: M, input: Input<M>): Promise<Called<Output<M>>> {
    const life = this.#life;
    if (!life) return { kind: 'gone' };
    const answer = await Promise.race([life.control.call(method, input), life.exited.then(() => null)]);
    if (answer === null) return { kind: 'gone' };
    if (answer.ok) return { kind: 'answer', value: answer.value };
    const { code, message } = answer.error;
    return code === 'connection-lost' ? this.#gone(life) : { kind: 'failed', code, message };
  }

  /** The conversation is over because its other end is, or is about to be. */
  async #gone(life: Life): Promise<{ readonly kind: 'gone' }> {
    await within(life.exited, 'whoever ended the conversation has ended');
    return { kind: 'gone' };
  }

  settingsText(): string {
    return readFileSync(this.#file, 'utf8');
  }

  async writeSettings(text: string): Promise<void> {
    writeFileSync(this.#file, text);
    // The program watches the file, and gives whoever writes a moment to finish.
    await this.pass(2_000);
  }

  // ------------------------------------------------------------ the world

  async pass(ms: number): Promise<void> {
    await new Promise((done) => setTimeout(done, ms));
  }

  serverMood(id: string): { readonly mood: Mood; readonly since: number } {
    const server = this.#servers.get(id)?.mail;
    return { mood: server?.mood() ?? 'willing', since: server?.moodSince() ?? 0 };
  }
  become(id: string, mood: Mood): void {
    this.#servers.get(id)?.mail.become(mood);
  }
  resolver(mood: DnsMood): void {
    this.#dns?.become(SERVER_MOODS[mood]);
  }

  async network(next: SoakNetwork): Promise<void> {
    if (next.name !== null && next.name !== this.#network.name) this.#joined += 1;
    this.#network = next;
    await this.#life?.order({ kind: 'network', state: networkState(next, this.#joined) });
  }

  jumpClock(ms: number): void {
    this.#ahead += ms;
    void this.#life?.order({ kind: 'jump', ms });
  }

  async close(): Promise<void> {
    const life = this.#life;
    await this.quit().catch(() => undefined);
    if (life?.process.exitCode === null && life.process.signalCode === null) life.process.kill('SIGKILL');
    for (const socket of this.#sockets) socket.destroy();
    for (const { tcp } of this.#servers.values()) await new Promise((closed) => tcp.close(closed));
    await this.#dns?.close();
    this.#tellOfLog();
    this.#built.remove();
    rmSync(this.#profile, { recursive: true, force: true });
  }

  /** What the program wrote down as trouble of its own. */
  #tellOfLog(): void {
    const folder = path.join(this.#profile, 'logs');
    const lines = readdirSync(folder).flatMap((name) => readFileSync(path.join(folder, name), 'utf8').split('\n'));
    for (const line of lines.filter((l) => l.includes(' problem '))) this.#trouble(line);
  }
}

async function within<T>(result: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, failed) => {
    timer = setTimeout(() => failed(new Error(`waited for too long: ${what}`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([result, late]);
  } finally {
    clearTimeout(timer);
  }
}
