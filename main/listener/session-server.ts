/** One listening socket: npm smtp-server's server, with our sessions in place of its own. */
import type { Socket } from 'node:net';
import { SMTPServer } from 'smtp-server';
import type { Log } from '../log/log-port.ts';
import { LIMITS } from './accept-policy.ts';
import { ListenerSession, type SessionContext } from './listener-session.ts';
import type { ListenerTls } from './listener-tls.ts';
import type { SignInQueue } from './sign-in-queue.ts';

/** The library's server with our sessions in it and our TLS contexts: never its own certificate, whose key is public (S10). */
export class SessionServer extends SMTPServer {
  readonly #context: SessionContext;

  constructor(context: SessionContext, tls: ListenerTls, signIns: SignInQueue, log: Log) {
    super({
      logger: false,
      disableReverseLookup: true,
      authOptional: true,
      allowInsecureAuth: true, // decided in accept-policy.ts
      authMethods: ['PLAIN', 'LOGIN'],
      socketTimeout: LIMITS.idleMs,
      minVersion: 'TLSv1.2',
      onAuth: (auth, { id, remoteAddress }, callback) => {
        const name = auth.username ?? '';
        const unavailable = (why: string): void => {
          callback(Object.assign(new Error(why), { responseCode: 454 }));
        };
        signIns.check({ address: remoteAddress, name, password: auth.password ?? '', connection: id }).then(
          (answer) => {
            if (answer === 'right') callback(null, { user: name });
            else if (answer === 'wrong') callback(null, {});
            else unavailable(answer);
          },
          (error: unknown) => {
            log.problem('listener-sign-in', error);
            unavailable('unavailable');
          },
        );
      },
    });
    this.#context = context;
    this.secureContext = tls.contexts;
    this.on('error', (error: Error) => {
      // What goes wrong while binding is told by `listen`.
      if (this.server.listening) log.problem('listener-socket', error);
    });
  }

  /** No proxy stands before the listener: the session begins at once, not a turn of the event loop and random octets later. */
  override _handleProxy(_socket: Socket, callback: (error: null, options: { id: string }) => void): void {
    callback(null, { id: '' });
  }

  override connect(socket: Socket): void {
    const session = new ListenerSession(this, socket, this.#context);
    this.connections.add(session);
    session.init();
  }
}
