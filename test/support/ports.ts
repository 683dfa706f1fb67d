/** Ports for servers that must be told one: a program of its own cannot be asked which one it got. */
import dgram from 'node:dgram';
import net from 'node:net';

/**
 * Where the ports are taken from: below those which systems give away by themselves (to outgoing connections and to
 * whoever asks for port 0), so that nobody but another caller of freePort() comes upon one between probe and start.
 */
const FIRST = 10_000;
const LAST = 32_767;

function isFreeTcp(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

function isFreeUdp(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = dgram.createSocket(net.isIPv6(host) ? 'udp6' : 'udp4');
    socket.once('error', () => {
      socket.close();
      resolve(false);
    });
    socket.bind({ port, address: host, exclusive: true }, () => socket.close(() => resolve(true)));
  });
}

/** A port that is free now, for TCP and UDP, on all of these loopback addresses. */
export async function freePort(hosts: readonly string[] = ['127.0.0.1']): Promise<number> {
  for (let tries = 0; tries < 200; tries += 1) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    let free = true;
    for (const host of hosts) free &&= (await isFreeTcp(port, host)) && (await isFreeUdp(port, host));
    if (free) return port;
  }
  throw new Error(`No port is free on ${hosts.join(', ')}`);
}

/** After so long (ms) something else than a port is wrong. */
const NO_NEW_TRY_MS = 20_000;

/**
 * Starts something on a free port; should it not come up, twice more on another one, for somebody may have taken the
 * port meanwhile. `start` has to leave nothing behind when it fails. Rejects with the last failure.
 */
export async function onFreePort<T>(
  start: (port: number) => Promise<T>,
  hosts: readonly string[] = ['127.0.0.1'],
): Promise<T> {
  const since = Date.now();
  for (let tries = 1; ; tries += 1) {
    try {
      return await start(await freePort(hosts));
    } catch (error) {
      if (tries === 3 || Date.now() - since > NO_NEW_TRY_MS) throw error;
    }
  }
}
