/**
 * A mail server of the soak: speaks SMTP over any stream, behaves as its mood says, and has every recipient, refusal and
 * message written down. The same one stands behind loopback sockets and in memory.
 */
import type { Duplex } from 'node:stream';
import { drawn } from './chance.ts';
import { PASSWORD, SIGN_IN_GATEWAY, USER, type Host } from './internet.ts';

/** What a server may be like for a while. */
export const MOODS = [
  'willing',
  'slow',
  /** Greets with 421. */
  'busy',
  /** Greets with 554. */
  'rude',
  /** Closes the connection instead of a greeting. */
  'hangs up',
  /** Says nothing for long, then closes the connection. */
  'mute',
  'defers the sender',
  'refuses the sender',
  'defers some',
  'refuses some',
  /** The ones and the others. */
  'refuses and defers some',
  /** Three recipients in a transaction, 452 for the others. */
  'few at a time',
  'defers the text',
  'refuses the text',
  'loses the connection before the dot',
  /** The outcome is not known: it has taken the message in every second case. */
  'loses the connection after the dot',
  '421 in the middle',
  'refuses the sign-in',
  'denies relaying',
] as const;
export type Mood = (typeof MOODS)[number];

/** One message that was handed over, as the server wrote it down. */
export interface Taken {
  /** The positive reply was given to a connection that was open then; null: not yet, or never. */
  answeredAt: number | null;
}

/** Where everything is written down. */
export interface Witness {
  connected(host: Host): void;
  /** RCPT TO was heard, whatever the answer. */
  asked(host: Host, from: string | null, to: string): void;
  /** 5yz for this recipient; `to` null: for the whole message of this sender. */
  refused(host: Host, from: string | null, to: string | null): void;
  /** The final dot came and the server keeps the message. */
  took(host: Host, from: string | null, to: readonly string[], text: string): Taken;
  /** The connection was cut after the final dot, on purpose. Before `took`, if the message was kept. */
  lost(host: Host, to: readonly string[]): void;
}

export interface MailServer {
  readonly host: Host;
  mood(): Mood;
  /** Since when (ms of the soak) it is in that mood. */
  moodSince(): number;
  become(mood: Mood): void;
  serve(socket: Duplex): void;
}

export interface MailServerPorts {
  readonly seed: number;
  readonly now: () => number;
  readonly after: (ms: number, run: () => void) => void;
  readonly witness: Witness;
  /** How long (ms) a slow server takes for an answer at most; a mute one is silent ten times as long. */
  readonly slowMs: number;
}

type Reply = string | readonly string[];

export function createMailServer(host: Host, ports: MailServerPorts): MailServer {
  let mood: Mood = 'willing';
  let since = ports.now();
  /** Each mood is another chance: whom it refuses differs from the last time. */
  let turn = 0;
  let sessions = 0;
  return {
    host,
    mood: () => mood,
    moodSince: () => since,
    become(next) {
      if (next === mood) return;
      mood = next;
      since = ports.now();
      turn += 1;
    },
    serve(socket) {
      sessions += 1;
      const session = sessions;
      serveSession(
        socket,
        host,
        ports,
        () => mood,
        (...about) => drawn(ports.seed, host.id, turn, ...about),
        session,
      );
    },
  };
}

/** One connection. */
function serveSession(
  socket: Duplex,
  host: Host,
  ports: MailServerPorts,
  mood: () => Mood,
  draw: (...about: readonly (string | number)[]) => number,
  session: number,
): void {
  const { witness } = ports;
  const wantsSignIn = host.id === SIGN_IN_GATEWAY;
  let rest = '';
  let text: string[] | null = null;
  let from: string | null = null;
  let inMail = false;
  let accepted: string[] = [];
  let signedIn = false;
  let commands = 0;
  /** What is to be done once the reply in front has gone out. */
  const line: { readonly wait: number; readonly run: () => void }[] = [];
  let busy = false;

  const pump = (): void => {
    const next = line[0];
    if (busy || next === undefined) return;
    busy = true;
    const go = (): void => {
      busy = false;
      line.shift();
      if (!socket.destroyed) next.run();
      pump();
    };
    if (next.wait > 0) ports.after(next.wait, go);
    else go();
  };
  const act = (
    run: () => void,
    wait = mood() === 'slow' ? Math.round(draw('wait', session, commands) * ports.slowMs) : 0,
  ): void => {
    line.push({ wait, run });
    pump();
  };
  const write = (reply: Reply): boolean => {
    if (!socket.writable) return false;
    socket.write(`${typeof reply === 'string' ? reply : reply.join('\r\n')}\r\n`, 'latin1');
    return true;
  };
  const say = (reply: Reply): void => {
    act(() => void write(reply));
  };
  const hangUp = (): void => {
    socket.destroy();
  };

  const greet = (): void => {
    switch (mood()) {
      case 'busy':
        return act(() => {
          write('421 4.3.2 too busy');
          socket.end();
        });
      case 'rude':
        return act(() => {
          write('554 5.3.2 not to you');
          socket.end();
        });
      case 'hangs up':
        return act(hangUp);
      case 'mute':
        return act(hangUp, 10 * ports.slowMs);
      default:
        return say(`220 ${host.name} ESMTP`);
    }
  };

  const onMail = (argument: string): void => {
    from = /<(.*?)>/.exec(argument)?.[1] ?? '';
    if (from === '') from = null;
    accepted = [];
    inMail = false;
    if (wantsSignIn && !signedIn) return say('530 5.7.0 sign in first');
    switch (mood()) {
      case 'defers the sender':
        return say('451 4.7.1 later');
      case 'refuses the sender':
        witness.refused(host, from, null);
        return say('550 5.1.8 not from you');
      default:
        inMail = true;
        return say('250 2.1.0 ok');
    }
  };

  const onRcpt = (argument: string): void => {
    const to = /<(.*?)>/.exec(argument)?.[1] ?? '';
    witness.asked(host, from, to);
    if (!inMail) return say('503 5.5.1 MAIL first');
    switch (mood()) {
      case 'defers some':
        if (draw('defer', to) < 0.5) return say('450 4.2.0 later');
        break;
      case 'refuses some':
        if (draw('refuse', to) < 0.4) {
          witness.refused(host, from, to);
          return say('550 5.1.1 no such user');
        }
        break;
      case 'refuses and defers some': {
        const x = draw('both', to);
        if (x < 0.3) {
          witness.refused(host, from, to);
          return say('550 5.1.1 no such user');
        }
        if (x < 0.6) return say('450 4.2.0 later');
        break;
      }
      case 'few at a time':
        if (accepted.length >= 3) return say('452 4.5.3 too many recipients');
        break;
      case '421 in the middle':
        if (draw('421', session, commands) < 0.3)
          return act(() => {
            write('421 4.3.2 shutting down');
            socket.end();
          });
        break;
      case 'denies relaying':
        witness.refused(host, from, to);
        return say('554 5.7.1 relaying denied');
      default:
    }
    accepted.push(to);
    say('250 2.1.5 ok');
  };

  const onData = (): void => {
    if (!inMail || accepted.length === 0) return say('503 5.5.1 no recipients');
    text = [];
    act(() => {
      write('354 go on');
      if (mood() === 'loses the connection before the dot') hangUp();
    }, 0);
  };

  const onDot = (lines: readonly string[]): void => {
    const octets = lines.map((l) => (l.startsWith('.') ? l.slice(1) : l)).join('\r\n');
    const to = accepted;
    const sender = from;
    inMail = false;
    accepted = [];
    switch (mood()) {
      case 'defers the text':
        return say('451 4.3.0 later');
      case 'refuses the text':
        for (const each of to) witness.refused(host, sender, each);
        return say('554 5.6.0 not such a text');
      case 'loses the connection after the dot':
        witness.lost(host, to);
        if (draw('keep', session, commands) < 0.5) witness.took(host, sender, to, octets);
        return act(hangUp);
      default: {
        const taken = witness.took(host, sender, to, octets);
        return act(() => {
          if (write('250 2.0.0 taken')) taken.answeredAt = ports.now();
        });
      }
    }
  };

  const onCommand = (command: string): void => {
    commands += 1;
    const verb = command.slice(0, 4).toUpperCase();
    switch (verb) {
      case 'EHLO':
        return say([
          `250-${host.name}`,
          '250-8BITMIME',
          '250-ENHANCEDSTATUSCODES',
          ...(wantsSignIn ? ['250-AUTH PLAIN'] : []),
          // Half of them, for both ways of talking.
          ...(draw('pipelining', host.id) < 0.5 ? ['250-PIPELINING'] : []),
          '250 SIZE 20000000',
        ]);
      case 'HELO':
        return say(`250 ${host.name}`);
      case 'AUTH': {
        const given = Buffer.from(command.split(' ')[2] ?? '', 'base64').toString();
        signedIn = mood() !== 'refuses the sign-in' && given === `\0${USER}\0${PASSWORD}`;
        return say(signedIn ? '235 2.7.0 welcome' : '535 5.7.8 no');
      }
      case 'MAIL':
        return onMail(command);
      case 'RCPT':
        return onRcpt(command);
      case 'DATA':
        return onData();
      case 'RSET':
        inMail = false;
        accepted = [];
        return say('250 2.0.0 ok');
      case 'NOOP':
        return say('250 2.0.0 ok');
      case 'QUIT':
        return act(() => {
          write('221 2.0.0 bye');
          socket.end();
        });
      default:
        return say('502 5.5.2 what?');
    }
  };

  socket.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('latin1')).split('\r\n');
    rest = lines.pop() ?? '';
    for (const each of lines) {
      if (text === null) onCommand(each);
      else if (each === '.') {
        const whole = text;
        text = null;
        commands += 1;
        onDot(whole);
      } else text.push(each);
    }
  });
  socket.on('error', () => undefined);
  witness.connected(host);
  greet();
}
