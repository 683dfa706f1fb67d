/** Small SMTP clients and a sink for load: messages are known by their X-Load field. */
import net from 'node:net';

/** A client that speaks lines and reads replies; `''` = the connection is gone. */
export class LineClient {
  readonly socket: net.Socket;
  #rest = '';
  #reply = '';
  readonly #replies: string[] = [];
  #taken = 0;
  #ended = false;
  #wake: (() => void)[] = [];

  constructor(port: number) {
    this.socket = net.connect({ host: '127.0.0.1', port, noDelay: true });
    const wake = (): void => {
      for (const one of this.#wake.splice(0)) one();
    };
    this.socket.on('data', (chunk: Buffer) => {
      const lines = (this.#rest + chunk.toString('latin1')).split('\r\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) {
        this.#reply += this.#reply === '' ? line : `\r\n${line}`;
        if (line.charAt(3) === '-') continue;
        this.#replies.push(this.#reply);
        this.#reply = '';
      }
      wake();
    });
    const end = (): void => {
      this.#ended = true;
      wake();
    };
    this.socket.on('error', end);
    this.socket.on('close', end);
    this.socket.on('end', end);
  }

  async reply(): Promise<string> {
    for (;;) {
      const next = this.#replies[this.#taken];
      if (next !== undefined) {
        this.#taken += 1;
        return next;
      }
      if (this.#ended) return '';
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  async say(line: string): Promise<string> {
    this.socket.write(`${line}\r\n`, 'latin1');
    return this.reply();
  }

  /** Resolves once the other side has ended the connection. */
  async ended(): Promise<void> {
    while (!this.#ended) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Greeting and EHLO are done; null if nobody is there. */
export async function greetedClient(port: number): Promise<LineClient | null> {
  const client = new LineClient(port);
  if ((await client.reply()) === '') return null;
  await client.say('EHLO client.example.test');
  return client;
}

/** Hands in one message over an open session; the reply to it, '' if the connection went. */
export async function submitOver(
  client: LineClient,
  name: string,
  options: { readonly to?: string; readonly size?: number; readonly from?: string } = {},
): Promise<string> {
  const mail = await client.say(`MAIL FROM:<${options.from ?? 'ann@home.test'}>`);
  if (!mail.startsWith('250')) return mail;
  const rcpt = await client.say(`RCPT TO:<${options.to ?? 'bob@example.test'}>`);
  if (!rcpt.startsWith('250')) return rcpt;
  const data = await client.say('DATA');
  if (!data.startsWith('354')) return data;
  const body = `${'x'.repeat(70)}\r\n`.repeat(Math.ceil((options.size ?? 1000) / 72));
  client.socket.write(`X-Load: ${name}\r\nFrom: ann@home.test\r\nSubject: ${name}\r\n\r\n${body}.\r\n`, 'latin1');
  return client.reply();
}

/** One message over a session of its own. */
export async function submit(
  port: number,
  name: string,
  options: Parameters<typeof submitOver>[2] = {},
): Promise<string> {
  const client = await greetedClient(port);
  if (!client) return '';
  const reply = await submitOver(client, name, options);
  client.close();
  return reply;
}

export interface LoadSink {
  readonly port: number;
  /** How often each message arrived. */
  readonly arrived: ReadonlyMap<string, number>;
  readonly bodies: ReadonlyMap<string, number>;
  most(): number;
  close(): Promise<void>;
}

/** A server that takes everything at once (pipelining too) and counts. */
export async function startLoadSink(): Promise<LoadSink> {
  const arrived = new Map<string, number>();
  const bodies = new Map<string, number>();
  const sockets = new Set<net.Socket>();
  let open = 0;
  let most = 0;
  const server = net.createServer((socket) => {
    sockets.add(socket);
    open += 1;
    most = Math.max(most, open);
    socket.setNoDelay(true);
    let text = '';
    let inData = false;
    let head = '';
    let size = 0;
    socket.on('error', () => undefined);
    socket.on('close', () => {
      open -= 1;
      sockets.delete(socket);
    });
    socket.write('220 sink.example.test ESMTP\r\n');
    socket.on('data', (chunk: Buffer) => {
      // In a message only as much is kept as its end mark may begin with.
      text += chunk.toString('latin1');
      for (;;) {
        const mark = inData ? '\r\n.\r\n' : '\r\n';
        const end = text.indexOf(mark);
        if (inData) {
          const piece = end < 0 ? text.slice(0, Math.max(0, text.length - 4)) : text.slice(0, end);
          if (head.length < 4096) head += piece.slice(0, 4096);
          size += piece.length;
          text = text.slice(end < 0 ? piece.length : end + mark.length);
          if (end < 0) return;
          inData = false;
          const name = /^X-Load: (.*)$/m.exec(head)?.[1]?.trim() ?? '?';
          arrived.set(name, (arrived.get(name) ?? 0) + 1);
          bodies.set(name, size);
          head = '';
          size = 0;
          socket.write('250 2.0.0 taken\r\n');
          continue;
        }
        if (end < 0) return;
        const piece = text.slice(0, end);
        text = text.slice(end + mark.length);
        const verb = piece.slice(0, 4).toUpperCase();
        if (verb === 'EHLO') socket.write('250-sink.example.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n');
        else if (verb === 'DATA') {
          inData = true;
          socket.write('354 go on\r\n');
        } else if (verb === 'QUIT') socket.end('221 bye\r\n');
        else socket.write('250 ok\r\n');
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    arrived,
    bodies,
    most: () => most,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
