/** An open SMTP session: one mail transaction after the other, each told as facts. */
import type { HopRef, MessageDsn, RecipientDsn, SmtpPhase, SmtpReply, TlsInfo } from '../../shared/mail.ts';
import type { SessionReport, SessionTrouble } from '../policy/model.ts';
import type { Clock } from '../runtime/clock.ts';
import type { DialFailure, ResolvedAddress } from './dial.ts';
import { createDotStuffer } from '../message/dot-stuffing.ts';
import { isAscii, mailCommand, rcptCommand, withAsciiDomain } from './parameters.ts';
import type { Answer, Connection } from './connection.ts';
import type { Extensions } from './reply.ts';

/** Milliseconds that a server has in each phase (RFC 5321 §4.5.3.2). */
export interface PhaseTimeouts {
  /** For each address. */
  readonly connect: number;
  readonly greeting: number;
  /** EHLO, STARTTLS, TLS handshake, AUTH, MAIL, RCPT, RSET. */
  readonly command: number;
  /** Reply to DATA. */
  readonly data: number;
  /** Taking one block of the message. */
  readonly block: number;
  /** Reply to the final dot: never below ten minutes, or mail is sent twice. */
  readonly final: number;
}

const MINUTE = 60_000;

/** Time-outs from `connection.serverTimeoutSeconds`: gateways keep to it, an MX has at least what the RFC asks. */
export function phaseTimeouts(serverTimeoutSeconds: number, kind: 'gateway' | 'mx' | 'lan'): PhaseTimeouts {
  const set = serverTimeoutSeconds * 1000;
  const patient = kind === 'mx';
  return {
    connect: Math.min(set, 30_000),
    greeting: patient ? Math.max(set, 5 * MINUTE) : set,
    command: patient ? Math.max(set, 5 * MINUTE) : set,
    data: Math.max(set, 2 * MINUTE),
    block: Math.max(set, 3 * MINUTE),
    final: Math.max(set, 10 * MINUTE),
  };
}

const QUIT_MS = 2000;
/** How long the reply to a final dot is still waited for when the session is cut: the message has most likely been taken. */
const LAST_WORD_MS = 2000;

const ignore = (): void => undefined;

/** A recipient as one transaction needs it. */
export interface TransactionRecipient {
  readonly id: number;
  readonly rcptTo: string;
  readonly dsn: RecipientDsn;
}

/** A message as one transaction needs it; `OutgoingMessage` fits. */
export interface TransactionMessage {
  readonly mailFrom: string | null;
  readonly size: number;
  readonly dsn: MessageDsn;
  readonly body8bit: boolean;
  readonly smtputf8: boolean;
  read(): AsyncIterable<Uint8Array>;
}

export interface TransactionResult {
  readonly report: SessionReport;
  /** The server offers DSN: recipients that it took are its business now (RFC 3461 §5.2.2). */
  readonly dsnPassedOn: boolean;
}

/** An open session, ready for MAIL. One transaction at a time. */
export interface SmtpSession {
  readonly kind: 'ready';
  readonly hop: HopRef;
  readonly address: ResolvedAddress;
  /** Our own end: the connection dies with this address. */
  readonly localAddress: string | null;
  readonly tls: TlsInfo | null;
  readonly offered: Extensions;
  readonly addressFailures: readonly DialFailure[];
  /** From the start of connecting to being ready. */
  readonly readyMs: number;
  /** TLS was offered and did not work: this is the second connection, in clear text. */
  readonly fellBack: boolean;
  /** Transactions made. */
  readonly used: number;
  readonly alive: boolean;
  transact(
    message: TransactionMessage,
    recipients: readonly TransactionRecipient[],
    signal: AbortSignal,
  ): Promise<TransactionResult>;
  /** MAIL and RSET without a message: does it let us send? For Settings ▸ Test. */
  nullTransaction(
    mailFrom: string | null,
  ): Promise<{ readonly reply: SmtpReply | null; readonly trouble: SessionTrouble | null }>;
  /** Calls back once when the session ends by itself or is destroyed. */
  onEnd(run: () => void): void;
  /** QUIT, then closes; at most 2 s. */
  quit(): Promise<void>;
  /** At once. */
  destroy(): void;
  /** At once, but for a message whose final dot is out: its reply has 2 s to come (a duplicate less). */
  cut(): void;
}

/** Wraps a connection that is ready for MAIL. */
export function createSession(
  connection: Connection,
  timeouts: PhaseTimeouts,
  clock: Clock,
  facts: Pick<
    SmtpSession,
    'hop' | 'address' | 'localAddress' | 'offered' | 'tls' | 'addressFailures' | 'fellBack' | 'readyMs'
  >,
): SmtpSession {
  let used = 0;
  let needsReset = false;
  /** The final dot is out and not yet answered. */
  let dotPending = false;
  let leaving = false;

  const cut = (): void => {
    if (!dotPending) connection.die({ kind: 'connection-lost' });
    else if (!leaving) {
      leaving = true;
      connection.arm(LAST_WORD_MS);
    }
  };

  const transact = async (
    message: TransactionMessage,
    recipients: readonly TransactionRecipient[],
    signal: AbortSignal,
  ): Promise<TransactionResult> => {
    used++;
    const startedAt = clock.now();
    const replies = new Map<number, SmtpReply>();
    let phase: SmtpPhase = 'mail';
    let dotSent = false;
    const result = (reply: SmtpReply | null, trouble: SessionTrouble | null): TransactionResult => {
      connection.disarm();
      return {
        report: {
          hop: facts.hop,
          phase,
          startedAt,
          endedAt: clock.now(),
          tls: facts.tls,
          reply,
          trouble: reply ? null : trouble,
          dotSent,
          recipients: recipients.map((r) => ({ recipient: r.id, rcptReply: replies.get(r.id) ?? null })),
        },
        dsnPassedOn: facts.offered.keywords.has('DSN'),
      };
    };
    const ended = (answer: Answer): TransactionResult => {
      if (answer.kind === 'reply') return result(answer.reply, null);
      connection.die(answer.trouble, answer.reply);
      return result(answer.reply, answer.trouble);
    };

    const plan = await planTransaction(message, recipients, facts.offered);
    if (plan.kind !== 'send') return result(null, plan.trouble);
    const death = connection.getDeath();
    if (death) return ended({ kind: 'trouble', ...death });
    if (signal.aborted) cut();
    signal.addEventListener('abort', cut, { once: true });
    const octets = message.read()[Symbol.asyncIterator]();
    let bodyDone = false;

    try {
      const pipelining = facts.offered.keywords.has('PIPELINING');
      connection.arm(timeouts.command);
      const socket = connection.socket;
      if (pipelining) socket?.cork();
      const reset = needsReset ? connection.ask('RSET') : null;
      if (!pipelining && reset) {
        const answer = await reset;
        if (answer.kind !== 'reply' || answer.reply.code >= 300) return ended(answer);
      }
      needsReset = true;
      const mail = connection.ask(plan.mail);
      let rcpts: Promise<Answer>[] = [];
      let data: Promise<Answer> | null = null;
      if (pipelining) {
        rcpts = plan.rcpts.map((line) => connection.ask(line));
        data = connection.ask('DATA');
        socket?.uncork();
        const answer = reset ? await reset : null;
        // RSET that is not taken: the replies that follow mean nothing.
        if (answer && (answer.kind !== 'reply' || answer.reply.code >= 300)) {
          connection.die({ kind: 'connection-lost' });
          return ended(answer);
        }
      }
      const mailAnswer = await mail;
      if (mailAnswer.kind !== 'reply' || mailAnswer.reply.code >= 300) {
        const dataAnswer = data ? await data : null;
        // It refused the sender and takes a message all the same: not to be trusted with anything.
        if (dataAnswer?.kind === 'reply' && dataAnswer.reply.code < 400) connection.die({ kind: 'connection-lost' });
        return ended(mailAnswer);
      }

      phase = 'rcpt';
      let accepted = 0;
      for (const [i, recipient] of recipients.entries()) {
        const answer = await (rcpts[i] ?? connection.ask(plan.rcpts[i] ?? ''));
        if (answer.kind === 'trouble') {
          // Malformed, or the end. Nothing more is said: a message for a recipient whose reply is not known would be a gamble.
          return ended(answer);
        }
        replies.set(recipient.id, answer.reply);
        if (answer.reply.code < 300) accepted++;
        if (connection.getDeath()) return ended({ kind: 'reply', reply: answer.reply });
      }
      if (accepted === 0) {
        const dataAnswer = data ? await data : null;
        if (dataAnswer?.kind === 'reply' && dataAnswer.reply.code < 400) {
          // RFC 2920 §3.1: DATA was taken though nobody was; an empty message to nobody ends it.
          await connection.ask('.');
        }
        return result(null, null);
      }

      phase = 'data';
      connection.arm(timeouts.data);
      const dataAnswer = await (data ?? connection.ask('DATA'));
      if (dataAnswer.kind === 'reply' && dataAnswer.reply.code < 300) {
        return ended({
          kind: 'trouble',
          trouble: { kind: 'malformed', line: `${dataAnswer.reply.code} to DATA` },
          reply: null,
        });
      }
      if (dataAnswer.kind !== 'reply' || dataAnswer.reply.code >= 400) return ended(dataAnswer);

      phase = 'body';
      const final = connection.expect();
      const early = { answered: false };
      void final.then(() => {
        early.answered = true;
      });
      const problem = await sendOctets(
        connection,
        octets,
        message.size,
        timeouts,
        () => early.answered,
        () => {
          phase = 'final';
          dotSent = true;
          dotPending = true;
          connection.arm(timeouts.final);
        },
      );
      bodyDone = true;
      if (problem === 'answered') {
        const answer: Answer = await final;
        connection.die({ kind: 'connection-lost' });
        if (answer.kind === 'reply' && answer.reply.code < 400)
          return ended({
            kind: 'trouble',
            trouble: { kind: 'malformed', line: 'a reply before the end of the message' },
            reply: null,
          });
        return ended(answer);
      }
      if (problem !== null) {
        // The message must not look whole: no dot, no QUIT, the connection is cut (standards N3).
        connection.die(problem);
        return result(null, problem);
      }
      const answer = await final;
      if (answer.kind !== 'reply') return ended(answer);
      if (answer.reply.code >= 300 && answer.reply.code < 400)
        return ended({
          kind: 'trouble',
          trouble: { kind: 'malformed', line: `${answer.reply.code} to the message` },
          reply: null,
        });
      if (answer.reply.code < 300) needsReset = false;
      return result(answer.reply, null);
    } finally {
      signal.removeEventListener('abort', cut);
      dotPending = false;
      if (leaving) connection.die({ kind: 'connection-lost' });
      if (!bodyDone) void octets.return?.().catch(ignore);
    }
  };

  return {
    kind: 'ready',
    ...facts,
    get used() {
      return used;
    },
    get alive() {
      return connection.getDeath() === null;
    },
    transact,
    async nullTransaction(mailFrom) {
      connection.arm(timeouts.command);
      const mail = await connection.ask(
        mailCommand(
          { mailFrom, size: 0, dsn: {}, eightBit: false, smtputf8: false },
          { ...facts.offered, keywords: new Set() },
        ),
      );
      if (mail.kind === 'reply') await connection.ask('RSET');
      connection.disarm();
      return mail.kind === 'reply'
        ? { reply: mail.reply, trouble: null }
        : { reply: mail.reply, trouble: mail.trouble };
    },
    onEnd: (run) => {
      connection.onEnd(run);
    },
    async quit() {
      if (connection.getDeath()) return;
      connection.arm(QUIT_MS);
      await connection.ask('QUIT');
      connection.die({ kind: 'connection-lost' });
    },
    destroy: () => {
      connection.die({ kind: 'connection-lost' });
    },
    cut,
  };
}

type TransactionPlan =
  | { readonly kind: 'send'; readonly mail: string; readonly rcpts: readonly string[] }
  | { readonly kind: 'cannot'; readonly trouble: SessionTrouble };

/** What can be told before a word is said: too large, needs what is not offered (standards 45, 46). */
async function planTransaction(
  message: TransactionMessage,
  recipients: readonly TransactionRecipient[],
  offered: Extensions,
): Promise<TransactionPlan> {
  const cannot = (trouble: SessionTrouble): TransactionPlan => ({ kind: 'cannot', trouble });
  if (offered.maxSize > 0 && message.size > offered.maxSize)
    return cannot({ kind: 'too-large', limit: offered.maxSize });
  if (message.body8bit && !offered.keywords.has('8BITMIME')) return cannot({ kind: 'needs-8bitmime' });
  const addresses = [message.mailFrom ?? '', ...recipients.map((r) => r.rcptTo)];
  // Addresses come from the listener's parser; this is the last guard against a second command in one (N17).
  // eslint-disable-next-line no-control-regex -- control characters are what is refused
  if (addresses.some((a) => /[\u0000-\u001f\u007f]/.test(a)))
    return cannot({ kind: 'local', detail: 'an address with control characters' });
  let smtputf8 = message.smtputf8 || !addresses.every(isAscii);
  if (smtputf8 && !offered.keywords.has('SMTPUTF8')) {
    // Only the domain is not ASCII: its A-label form goes everywhere (standards 35, N8).
    if (!addresses.every((a) => isAscii(withAsciiDomain(a))) || !(await headerIsAscii(message)))
      return cannot({ kind: 'needs-smtputf8' });
    smtputf8 = false;
  }
  const envelope = {
    mailFrom: message.mailFrom,
    size: message.size,
    dsn: message.dsn,
    eightBit: message.body8bit || smtputf8,
    smtputf8,
  };
  return {
    kind: 'send',
    mail: mailCommand(envelope, offered),
    rcpts: recipients.map((r) => rcptCommand(r.rcptTo, r.dsn, smtputf8, offered)),
  };
}

/** Looks at the header only: 8-bit octets in the body are no business of SMTPUTF8. A message that cannot be read counts as ASCII; sending it will tell. */
async function headerIsAscii(message: TransactionMessage): Promise<boolean> {
  let tail = '';
  try {
    for await (const chunk of message.read()) {
      const text = tail + Buffer.from(chunk).toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (/[\u0080-\u00ff]/.test(end < 0 ? text : text.slice(0, end))) return false;
      if (end >= 0) return true;
      tail = text.slice(-3);
    }
  } catch {
    return true;
  }
  return true;
}

/**
 * Sends the message. Null: whole, with its dot. The dot goes only after exactly `size` octets and a clean end of the
 * source, in one write with the last piece.
 */
async function sendOctets(
  connection: Connection,
  octets: AsyncIterator<Uint8Array>,
  size: number,
  timeouts: PhaseTimeouts,
  answered: () => boolean,
  onDot: () => void,
): Promise<SessionTrouble | 'answered' | null> {
  const stuffer = createDotStuffer();
  let sent = 0;
  let held: Uint8Array | null = null;
  connection.arm(timeouts.block);
  for (;;) {
    let step: IteratorResult<Uint8Array>;
    try {
      step = await octets.next();
    } catch (error) {
      return {
        kind: 'local',
        detail: `the message could not be read: ${error instanceof Error ? error.message : 'unknown reason'}`,
      };
    }
    if (connection.getDeath()) return 'answered';
    if (step.done === true) break;
    sent += step.value.length;
    if (sent > size) break;
    if (held) {
      const more = connection.write(held);
      if (!(typeof more === 'boolean' ? more : await more)) return 'answered';
      connection.arm(timeouts.block);
    }
    if (answered()) {
      await octets.return?.();
      return 'answered';
    }
    held = stuffer.encode(step.value);
  }
  if (sent !== size) {
    await octets.return?.();
    return { kind: 'local', detail: `the stored message has ${sent > size ? 'more' : 'fewer'} octets than it should` };
  }
  const end = stuffer.end();
  const last = held ? Buffer.concat([held, end]) : end;
  onDot();
  const more = connection.write(last);
  if (typeof more !== 'boolean') await more;
  return null;
}
