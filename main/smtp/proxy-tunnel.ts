/** A connection to a web server through the user's proxy, for what is asked of the web beside the mail: sign-ins, policies. */
import net from 'node:net';
import tls from 'node:tls';
import { proxyNotReached, throughProxy, type Proxy } from './proxy.ts';
import { troubleWords } from './trouble-words.ts';

const ignore = (): void => undefined;

/**
 * An https connection through the proxy: the certificate is checked against `name`, whatever `host` (a name that the proxy
 * looks up, or an address) leads to. Rejects if the proxy cannot lead there, and when `signal` aborts; the caller bounds
 * the time. Errors of TLS come over the socket, as with any.
 */
export async function secureTunnel(
  proxy: Proxy,
  target: { readonly host: string; readonly port: number; readonly name: string; readonly ca?: readonly string[] },
  signal: AbortSignal,
): Promise<tls.TLSSocket> {
  signal.throwIfAborted();
  if (proxy.kind === 'blocked') throw new Error(troubleWords(proxyNotReached(proxy)));
  const socket = net.connect({ host: proxy.host, port: proxy.port, noDelay: true });
  socket.on('error', ignore);
  const onAbort = (): void => {
    socket.destroy();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => {
        resolve(true);
      });
      socket.once('close', () => {
        resolve(false);
      });
    });
    const trouble = connected ? await throughProxy(proxy, socket, target) : proxyNotReached(proxy);
    signal.throwIfAborted();
    if (trouble) throw new Error(troubleWords(trouble));
    return tls.connect({
      socket,
      ...(net.isIP(target.name) === 0 ? { servername: target.name } : {}),
      host: target.name,
      minVersion: 'TLSv1.2',
      ...(target.ca ? { ca: [...target.ca] } : {}),
    });
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
