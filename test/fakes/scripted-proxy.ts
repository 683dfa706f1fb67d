import net from 'node:net';

/** A proxy on loopback that leads everywhere to one port of this computer, or refuses. */
export interface ScriptedProxy {
  readonly port: number;
  /** Where it was asked to lead, "host:port" each. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

const REFUSED = { socks5: Buffer.from([5, 2, 0, 1, 0, 0, 0, 0, 0, 0]), http: 'HTTP/1.1 403 Forbidden\r\n\r\n' };
const LED = { socks5: Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]), http: 'HTTP/1.1 200 OK\r\n\r\n' };

/**
 * Speaks SOCKS5 or HTTP CONNECT, whatever it is spoken to in.
 * @param leads the port behind it; `refuses`: it does not let anybody through; `silent`: it never answers
 */
export async function startScriptedProxy(leads: number | 'refuses' | 'silent'): Promise<ScriptedProxy> {
  const asked: string[] = [];
  const sockets = new Set<net.Socket>();
  const keep = (socket: net.Socket): net.Socket => {
    sockets.add(socket);
    return socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };
  const server = net.createServer((socket) => {
    keep(socket);
    let greeted = false;
    const onData = (piece: Buffer): void => {
      if (leads === 'silent') return;
      if (piece[0] === 5 && !greeted) {
        greeted = true;
        socket.write(Buffer.from([5, 0]));
        return;
      }
      const kind = piece[0] === 5 ? 'socks5' : 'http';
      asked.push(
        kind === 'socks5' ? socksTarget(piece) : (/^CONNECT (\S+)/.exec(piece.toString('latin1'))?.[1] ?? '?'),
      );
      if (leads === 'refuses') {
        socket.end(REFUSED[kind]);
        return;
      }
      socket.off('data', onData);
      socket.write(LED[kind]);
      socket.pipe(keep(net.connect(leads, '127.0.0.1'))).pipe(socket);
    };
    socket.on('data', onData);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    asked,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** RFC 1928 §4: a name or an IPv4 address. */
function socksTarget(request: Buffer): string {
  const port = request.readUInt16BE(request.length - 2);
  const host = request[3] === 3 ? request.subarray(5, -2).toString() : request.subarray(4, -2).join('.');
  return `${host}:${port}`;
}
