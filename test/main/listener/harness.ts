/** A listener on a loopback port with a store in memory, and a client that speaks raw octets to it. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { VirtualClock } from '../../fakes/virtual-clock.ts';
import type { Log } from '../../../main/log/log-port.ts';
import type { NewMessage, StagedMessage } from '../../../main/queue/queue-store.ts';
import {
  createSmtpListener,
  type SmtpListener,
  type SmtpListenerOptions,
} from '../../../main/listener/smtp-listener.ts';
import { defaultSettings, type Settings } from '../../../shared/settings.ts';

export interface Stored {
  readonly message: NewMessage;
  readonly bytes: Buffer;
  /** How many writes brought it. */
  readonly writes: number;
}

export interface Harness {
  readonly listener: SmtpListener;
  readonly port: number;
  readonly clock: VirtualClock;
  readonly stored: Stored[];
  readonly refusals: { readonly client: string; readonly command: string; readonly reply: string }[];
  /** Messages that were staged and neither committed nor given up. */
  open(): number;
  settings: Settings;
  store: { beforeWrite: () => Promise<void>; beforeCommit: () => Promise<void> };
  close(): Promise<void>;
}

export type ServerChanges = Omit<Partial<Settings['server']>, 'tls'> & { tls?: Record<string, unknown> };

export function settingsWith(server: ServerChanges): Settings {
  const base = defaultSettings();
  return {
    ...base,
    server: {
      ...base.server,
      host: ['127.0.0.1'],
      port: 0,
      hostname: 'mail.example.test',
      ...server,
      tls: { ...base.server.tls, ...server.tls },
    },
  };
}

const nothing = (): void => {};
/** A log that keeps nothing, for tests in which something goes wrong on purpose. */
export const quietLog: Log = {
  queued: nothing,
  refused: nothing,
  attempt: nothing,
  sent: nothing,
  deferred: nothing,
  bounced: nothing,
  note: nothing,
  conversation: nothing,
  problem: nothing,
};

export async function startListener(
  server: ServerChanges = {},
  options: Partial<SmtpListenerOptions> = {},
): Promise<Harness> {
  const clock = new VirtualClock();
  const stored: Stored[] = [];
  const refusals: Harness['refusals'] = [];
  const log: Log = {
    ...quietLog,
    refused: (facts) => refusals.push(facts),
    problem: (event, error) => {
      throw new Error(`${event}: ${String(error)}`);
    },
  };
  let next = 0;
  let staged = 0;
  const harness = {
    settings: settingsWith(server),
    store: { beforeWrite: async () => {}, beforeCommit: async () => {} },
  };
  const stage = (): StagedMessage => {
    const parts: Buffer[] = [];
    let over = false;
    staged++;
    const finish = (): void => {
      if (!over) {
        over = true;
        staged--;
      }
    };
    return {
      write: async (chunk) => {
        await harness.store.beforeWrite();
        parts.push(Buffer.from(chunk));
      },
      commit: async (message) => {
        await harness.store.beforeCommit();
        finish();
        stored.push({ message, bytes: Buffer.concat(parts), writes: parts.length });
      },
      abort: async () => {
        finish();
      },
    };
  };
  const listener = createSmtpListener({
    stage,
    newQueueId: () => `Q${++next}`,
    clock,
    log,
    settings: () => harness.settings,
    ...options,
  });
  const state = await listener.apply(harness.settings);
  if (state.kind !== 'listening') throw new Error(JSON.stringify(state));
  return Object.assign(harness, {
    listener,
    port: state.port,
    clock,
    stored,
    refusals,
    open: () => staged,
    close: () => listener.close(0),
  });
}

/** Speaks octets, collects replies. `latin1` strings throughout. */
export class Client {
  socket: Socket | TLSSocket;
  #text = '';
  #ended = false;
  #waiters: (() => void)[] = [];

  constructor(port: number, localAddress?: string) {
    this.socket = connect({ port, host: '127.0.0.1', ...(localAddress === undefined ? {} : { localAddress }) });
    this.#listen();
  }

  #listen(): void {
    this.socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1');
      this.#wake();
    });
    const end = (): void => {
      this.#ended = true;
      this.#wake();
    };
    this.socket.on('end', end);
    this.socket.on('close', end);
    this.socket.on('error', end);
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }

  write(text: string | Uint8Array): void {
    this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text);
  }

  /** The next reply, all its lines; '' if the connection ended. */
  async reply(): Promise<string> {
    for (;;) {
      const match = /^(?:\d{3}-[^\n]*\r\n)*\d{3}[^\n-][^\n]*\r\n/.exec(this.#text);
      if (match) {
        this.#text = this.#text.slice(match[0].length);
        return match[0].slice(0, -2);
      }
      if (this.#ended) return '';
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  /** Sends a line and returns its reply. */
  async say(line: string): Promise<string> {
    this.write(`${line}\r\n`);
    return this.reply();
  }

  /** Resolves when the other side has closed. */
  async closed(): Promise<string> {
    while (!this.#ended) await new Promise<void>((resolve) => this.#waiters.push(resolve));
    return this.#text;
  }

  async startTls(): Promise<TLSSocket> {
    this.socket.removeAllListeners();
    const plain = this.socket;
    const tls = connectTls({ socket: plain, rejectUnauthorized: false });
    this.socket = tls;
    this.#listen();
    await new Promise<void>((resolve, reject) => {
      tls.once('secureConnect', resolve);
      tls.once('error', reject);
    });
    return tls;
  }

  end(): void {
    this.socket.destroy();
  }
}

/** Greeting and EHLO are done. */
export async function greeted(port: number): Promise<Client> {
  const client = new Client(port);
  await client.reply();
  await client.say('EHLO client.example.test');
  return client;
}

/** As far as the 354. */
export async function inData(port: number): Promise<Client> {
  const client = await greeted(port);
  await client.say('MAIL FROM:<a@example.test>');
  await client.say('RCPT TO:<b@example.test>');
  await client.say('DATA');
  return client;
}
