/**
 * Fails every test in whose course something connects off loopback (setup file of the unit and integration tests).
 * The connection itself is refused like an unreachable network; since code under test treats that as an everyday error,
 * it is also remembered and reported after the test. A program that belongs into a network namespace is started there
 * as a process of its own.
 */
import dns from 'node:dns';
import net from 'node:net';
import { afterAll, afterEach } from 'vitest';

const offences: string[] = [];

/** Takes the refused connections since the last call, for a test that makes one on purpose. */
export function takeOffences(): readonly string[] {
  return offences.splice(0);
}

/** Whether a connection to this host stays on the computer. A name other than localhost would have to be looked up. */
export function isLoopback(host: string): boolean {
  const address = host.replace(/^\[|\]$/g, '').toLowerCase();
  if (net.isIPv4(address)) return address.startsWith('127.');
  if (net.isIPv6(address)) return address === '::1' || address.startsWith('::ffff:127.');
  return address === 'localhost';
}

type Connect = (this: net.Socket, ...args: unknown[]) => net.Socket;
// Called with the socket as `this` below.
const connect = net.Socket.prototype.connect as Connect;
const guarded: Connect = function (...args) {
  const target = targetOf(args);
  if (target === undefined || isLoopback(target.host)) return connect.apply(this, args);
  offences.push(`${target.host}:${target.port}`);
  const error = Object.assign(new Error(`connect ENETUNREACH ${target.host}:${target.port} (off loopback in a test)`), {
    code: 'ENETUNREACH',
    syscall: 'connect',
    address: target.host,
  });
  return this.destroy(error);
};
net.Socket.prototype.connect = guarded;

/** Host and port of the arguments of Socket.connect; undefined for a local socket. */
function targetOf(args: readonly unknown[]): { readonly host: string; readonly port: string } | undefined {
  // net.connect() hands its arguments on as one array.
  const [first, second] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args;
  if (typeof first === 'object' && first !== null) {
    const options = first as { path?: unknown; host?: unknown; port?: unknown };
    if (typeof options.path === 'string') return undefined;
    return { host: typeof options.host === 'string' ? options.host : 'localhost', port: String(options.port) };
  }
  if (typeof first === 'string' && Number.isNaN(Number(first))) return undefined;
  return { host: typeof second === 'string' ? second : 'localhost', port: String(first) };
}

// Names are asked of test servers on loopback only: the discard port answers nobody.
dns.setServers(['127.0.0.1:9']);

function report(): void {
  const connections = takeOffences();
  if (connections.length > 0) throw new Error(`Connected off loopback: ${connections.join(', ')}`);
}
afterEach(report);
afterAll(report);
