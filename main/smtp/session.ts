/** An open SMTP session: mail transactions one after the other, each reported as facts. */
import type { HopRef, SmtpReply, TlsInfo } from '../../shared/mail.ts';
import type { SessionReport, SessionTrouble } from '../policy/model.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Connection } from './connection.ts';
import type { DialFailure, ResolvedAddress } from './dial.ts';
import { mailCommand } from './parameters.ts';
import type { TransactionMessage, TransactionRecipient } from './plan-transaction.ts';
import type { Extensions } from './reply.ts';
import type { PhaseTimeouts } from './timeouts.ts';
import { runTransaction, type TransactionState } from './transaction.ts';

const QUIT_MS = 2000;
/** How long the reply to a final dot is still waited for when the session is cut: the message has most likely been taken. */
const LAST_REPLY_MS = 2000;

export interface TransactionResult {
  readonly report: SessionReport;
  /** The server offers DSN: for recipients that it took it makes the reports now (RFC 3461 §5.2.2). */
  readonly dsnPassedOn: boolean;
}

/** An open session, ready for MAIL. One transaction at a time. */
export interface SmtpSession {
  readonly kind: 'ready';
  readonly hop: HopRef;
  readonly address: ResolvedAddress;
  /** Our own end: the connection is lost with this address. */
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
  /** Makes one mail transaction. Never rejects. */
  transact(
    message: TransactionMessage,
    recipients: readonly TransactionRecipient[],
    signal: AbortSignal,
  ): Promise<TransactionResult>;
  /** MAIL and RSET without a message: whether we may send, for Settings ▸ Test. */
  nullTransaction(
    mailFrom: string | null,
  ): Promise<{ readonly reply: SmtpReply | null; readonly trouble: SessionTrouble | null }>;
  /** Calls back once when the session ends by itself or is destroyed. */
  onEnd(run: () => void): void;
  /** QUIT, then closes; at most 2 s. */
  quit(): Promise<void>;
  /** Closes at once. */
  destroy(): void;
  /** Closes at once, except while the reply to a final dot is awaited: it has 2 s to come, which saves a duplicate. */
  cut(): void;
}

type SessionFacts = Pick<
  SmtpSession,
  'hop' | 'address' | 'localAddress' | 'offered' | 'tls' | 'addressFailures' | 'fellBack' | 'readyMs'
>;

/** Wraps a connection that is ready for MAIL. */
export function createSession(
  connection: Connection,
  timeouts: PhaseTimeouts,
  clock: Clock,
  facts: SessionFacts,
): SmtpSession {
  const state: TransactionState = { needsReset: false, dotPending: false, cutting: false };
  let used = 0;

  const die = (): void => {
    connection.die({ kind: 'connection-lost' });
  };
  const cut = (): void => {
    if (!state.dotPending) die();
    else if (!state.cutting) {
      state.cutting = true;
      connection.arm(LAST_REPLY_MS);
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
    async transact(message, recipients, signal) {
      used++;
      const startedAt = clock.now();
      const { offered, hop, tls } = facts;
      const ended = await runTransaction({ connection, timeouts, offered, state, cut }, message, recipients, signal);
      connection.disarm();
      return {
        report: { hop, startedAt, endedAt: clock.now(), tls, ...ended },
        dsnPassedOn: offered.keywords.has('DSN'),
      };
    },
    nullTransaction: (mailFrom) => nullTransaction(connection, timeouts, facts.offered, mailFrom),
    onEnd: (run) => {
      connection.onEnd(run);
    },
    async quit() {
      if (connection.getDeath()) return;
      connection.arm(QUIT_MS);
      await connection.ask('QUIT');
      die();
    },
    destroy: die,
    cut,
  };
}

async function nullTransaction(
  connection: Connection,
  timeouts: PhaseTimeouts,
  offered: Extensions,
  mailFrom: string | null,
): Promise<{ readonly reply: SmtpReply | null; readonly trouble: SessionTrouble | null }> {
  connection.arm(timeouts.command);
  const envelope = { mailFrom, size: 0, dsn: {}, eightBit: false, smtputf8: false };
  const mail = await connection.ask(mailCommand(envelope, { ...offered, keywords: new Set() }));
  if (mail.kind === 'reply') await connection.ask('RSET');
  connection.disarm();
  return { reply: mail.reply, trouble: mail.kind === 'reply' ? null : mail.trouble };
}
