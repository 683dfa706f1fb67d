import net from 'node:net';
import tls from 'node:tls';

/** What the server does on a line it received: text to send (lines without CRLF), or an act. */
export type Act =
  | string
  | readonly string[]
  | { readonly send?: string; readonly then: 'close' | 'reset' | 'starttls' | 'data' | 'silence' }
  /** Octets as they are, no line end added. */
  | { readonly raw: string };

/** Received line (verb or whole line, the longest match wins) → what happens. `greeting` and `message` (after the dot) are keys too. */
export type Dialogue = Readonly<Record<string, Act | ((line: string, session: ServerSession) => Act)>>;

export interface ServerSession {
  readonly number: number;
  /** Lines received, without CRLF; message lines are not among them. */
  readonly lines: string[];
  /** Messages as they came over the wire (dot-stuffed), without the final dot. */
  readonly messages: string[];
  secure: boolean;
  closed: boolean;
  /** Sends a line that nothing asked for. */
  say(line: string): void;
}

export interface ScriptedServer {
  readonly port: number;
  readonly sessions: readonly ServerSession[];
  /** All messages taken, dots unstuffed. */
  readonly messages: () => readonly string[];
  become(dialogue: Dialogue): void;
  /** Says a line on all connections: the answer to what the script left without one. Not for TLS. */
  say(line: string): void;
  /** Ends all connections, in the middle of whatever they are at. */
  hangUp(): void;
  close(): Promise<void>;
}

/** A server that takes everything. */
export const WILLING: Dialogue = {
  greeting: '220 mx.example.test ESMTP',
  EHLO: ['250-mx.example.test', '250-PIPELINING', '250-8BITMIME', '250-SMTPUTF8', '250-DSN', '250 SIZE 10000000'],
  HELO: '250 mx.example.test',
  'MAIL FROM': '250 2.1.0 ok',
  'RCPT TO': '250 2.1.5 ok',
  DATA: { send: '354 go on', then: 'data' },
  message: '250 2.0.0 taken',
  RSET: '250 2.0.0 ok',
  NOOP: '250 ok',
  QUIT: { send: '221 bye', then: 'close' },
};

/** EHLO answer with these keywords. */
export function offering(...keywords: string[]): readonly string[] {
  const lines = ['mx.example.test', ...keywords];
  return lines.map((line, i) => `250${i === lines.length - 1 ? ' ' : '-'}${line}`);
}

/** Starts the server on a free loopback port. `implicitTls`: speaks TLS from the first octet. */
export async function startScriptedServer(
  dialogue: Dialogue,
  options: {
    readonly tls?: tls.SecureContextOptions & { minVersion?: tls.SecureVersion; maxVersion?: tls.SecureVersion };
    readonly implicitTls?: boolean;
    readonly host?: string;
    readonly port?: number;
  } = {},
): Promise<ScriptedServer> {
  let script: Dialogue = { ...WILLING, ...dialogue };
  const sessions: ServerSession[] = [];
  const sockets = new Set<net.Socket>();

  const serve = (plain: net.Socket): void => {
    sockets.add(plain);
    let socket = plain;
    const session: ServerSession = {
      number: sessions.length + 1,
      lines: [],
      messages: [],
      secure: options.implicitTls === true,
      closed: false,
      say: (line) => socket.write(`${line}\r\n`),
    };
    sessions.push(session);
    let rest = '';
    let inData = false;
    let pending: string[] = [];
    const gone = (): void => {
      session.closed = true;
      sockets.delete(plain);
    };
    const act = (what: Act): void => {
      if (typeof what === 'string') socket.write(`${what}\r\n`);
      else if (Array.isArray(what)) socket.write(`${what.join('\r\n')}\r\n`);
      else if ('raw' in what) socket.write(what.raw, 'latin1');
      else if ('then' in what) {
        if (what.send !== undefined) socket.write(`${what.send}\r\n`);
        if (what.then === 'close') socket.end();
        else if (what.then === 'reset') plain.resetAndDestroy();
        else if (what.then === 'data') inData = true;
        else if (what.then === 'starttls') {
          socket.removeAllListeners('data');
          rest = '';
          socket = new tls.TLSSocket(plain, { ...options.tls, isServer: true });
          session.secure = true;
          listen(socket);
        }
      }
    };
    const look = (line: string): void => {
      const key = Object.keys(script)
        .filter((k) => line.toUpperCase().startsWith(k.toUpperCase()))
        .sort((a, b) => b.length - a.length)[0];
      const found = key === undefined ? '502 5.5.1 what?' : script[key];
      if (found !== undefined) act(typeof found === 'function' ? found(line, session) : found);
    };
    const onData = (chunk: Buffer): void => {
      rest += chunk.toString('latin1');
      for (;;) {
        const end = rest.indexOf('\r\n');
        if (end < 0) return;
        const line = rest.slice(0, end);
        rest = rest.slice(end + 2);
        if (inData) {
          if (line !== '.') {
            pending.push(line);
            continue;
          }
          inData = false;
          session.messages.push(pending.map((l) => `${l}\r\n`).join(''));
          pending = [];
          look('message');
        } else {
          session.lines.push(line);
          look(line);
        }
        if (session.closed) return;
      }
    };
    const listen = (s: net.Socket): void => {
      s.on('data', onData);
      s.on('error', () => undefined);
      s.on('close', gone);
    };
    if (options.implicitTls) {
      socket = new tls.TLSSocket(plain, { ...options.tls, isServer: true });
      plain.on('error', () => undefined);
    }
    listen(socket);
    look('greeting');
  };

  const server = net.createServer(serve);
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    sessions,
    messages: () => sessions.flatMap((s) => s.messages.map((m) => m.replace(/(^|\r\n)\.(?=.)/g, '$1'))),
    become(next) {
      script = { ...WILLING, ...next };
    },
    say(line) {
      for (const socket of sockets) socket.write(`${line}\r\n`);
    },
    hangUp() {
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
