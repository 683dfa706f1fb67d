/**
 * One mail transaction over an open session (RFC 5321 §3.3): RSET if need be, MAIL, RCPT, DATA, the text, the final reply.
 * Commands are pipelined where the server offers it (RFC 2920). Reports facts and judges nothing.
 */
import type { SmtpReply } from '../../shared/mail.ts';
import type { SessionReport, SessionTrouble } from '../policy/model.ts';
import type { Answer, Connection } from './connection.ts';
import { planTransaction, type TransactionMessage, type TransactionRecipient } from './plan-transaction.ts';
import type { Extensions } from './reply.ts';
import { sendOctets } from './send-octets.ts';
import type { PhaseTimeouts } from './timeouts.ts';

/** What a session remembers between and during its transactions. */
export interface TransactionState {
  /** The last transaction did not end with a message taken: RSET comes first. */
  needsReset: boolean;
  /** The final dot was sent and is not yet answered. */
  dotPending: boolean;
  /** The session is to be closed as soon as that answer is there. */
  cutting: boolean;
}

/** The session that a transaction runs over. */
export interface TransactionSession {
  readonly connection: Connection;
  readonly timeouts: PhaseTimeouts;
  readonly offered: Extensions;
  readonly state: TransactionState;
  /** Closes the session; while a final dot is unanswered, a moment later. */
  readonly cut: () => void;
}

/** What came of it. */
export type TransactionFacts = Pick<SessionReport, 'phase' | 'reply' | 'trouble' | 'dotSent' | 'recipients'>;

/** A transaction under way. */
interface Transaction extends TransactionSession {
  readonly message: TransactionMessage;
  readonly recipients: readonly TransactionRecipient[];
  readonly octets: AsyncIterator<Uint8Array>;
  /** Replies to RCPT, by recipient. */
  readonly rcptReplies: Map<number, SmtpReply>;
  phase: SessionReport['phase'];
  dotSent: boolean;
  /** The octets were read to their end, or given back. */
  octetsDone: boolean;
}

/** How a transaction ended. A step that returns null has not ended it. */
interface End {
  readonly reply: SmtpReply | null;
  readonly trouble: SessionTrouble | null;
}

/** Commands that were sent; the answers to those that were not pipelined are asked for when their turn comes. */
interface Commands {
  readonly reset: Promise<Answer> | null;
  readonly mail: Promise<Answer>;
  /** Null: DATA was not pipelined. */
  readonly data: Promise<Answer> | null;
  readonly rcpt: (index: number) => Promise<Answer>;
}

/** Runs one transaction. Never rejects. */
export async function runTransaction(
  session: TransactionSession,
  message: TransactionMessage,
  recipients: readonly TransactionRecipient[],
  signal: AbortSignal,
): Promise<TransactionFacts> {
  const { connection, state, cut } = session;
  const plan = await planTransaction(message, recipients, session.offered);
  const rcptReplies = new Map<number, SmtpReply>();
  const facts = ({ reply, trouble }: End, phase: SessionReport['phase'], dotSent: boolean): TransactionFacts => ({
    phase,
    reply,
    trouble: reply ? null : trouble,
    dotSent,
    recipients: recipients.map((r) => ({ recipient: r.id, rcptReply: rcptReplies.get(r.id) ?? null })),
  });
  if (plan.kind !== 'send') return facts({ reply: null, trouble: plan.trouble }, 'mail', false);
  const death = connection.getDeath();
  if (death) return facts(death, 'mail', false);
  if (signal.aborted) cut();
  signal.addEventListener('abort', cut, { once: true });
  const octets = message.read()[Symbol.asyncIterator]();
  const transaction: Transaction = {
    ...session,
    message,
    recipients,
    octets,
    rcptReplies,
    phase: 'mail',
    dotSent: false,
    octetsDone: false,
  };
  try {
    const end = await converse(transaction, plan);
    return facts(end, transaction.phase, transaction.dotSent);
  } finally {
    signal.removeEventListener('abort', cut);
    state.dotPending = false;
    if (state.cutting) connection.die({ kind: 'connection-lost' });
    if (!transaction.octetsDone) void octets.return?.().catch(() => undefined);
  }
}

/** MAIL, RCPT, DATA, text, final reply: the first that ends the transaction says how. */
async function converse(
  transaction: Transaction,
  plan: { readonly mail: string; readonly rcpts: readonly string[] },
): Promise<End> {
  const { connection, timeouts } = transaction;
  connection.arm(timeouts.command);
  const sent = await sendCommands(transaction, plan);
  if ('ended' in sent) return sent.ended;
  return (
    (await readMailReply(transaction, sent)) ??
    (await readRcptReplies(transaction, sent)) ??
    (await readDataReply(transaction, sent)) ??
    sendText(transaction)
  );
}

/** Sends RSET if need be, and MAIL; with PIPELINING all commands in one packet. */
async function sendCommands(
  { connection, state, offered }: Transaction,
  plan: { readonly mail: string; readonly rcpts: readonly string[] },
): Promise<Commands | { readonly ended: End }> {
  const rcptLater = (index: number): Promise<Answer> => connection.ask(plan.rcpts[index] ?? '');
  if (!offered.keywords.has('PIPELINING')) {
    const answer = state.needsReset ? await connection.ask('RSET') : null;
    if (answer && !isPositive(answer)) return { ended: endWith(connection, answer) };
    state.needsReset = true;
    return { reset: null, mail: connection.ask(plan.mail), data: null, rcpt: rcptLater };
  }
  const { socket } = connection;
  socket?.cork();
  const reset = state.needsReset ? connection.ask('RSET') : null;
  state.needsReset = true;
  const mail = connection.ask(plan.mail);
  const rcpts = plan.rcpts.map((line) => connection.ask(line));
  const data = connection.ask('DATA');
  socket?.uncork();
  return { reset, mail, data, rcpt: (index) => rcpts[index] ?? rcptLater(index) };
}

async function readMailReply({ connection }: Transaction, sent: Commands): Promise<End | null> {
  const reset = sent.reset ? await sent.reset : null;
  if (reset && !isPositive(reset)) {
    // RSET that is refused: the replies that follow mean nothing.
    connection.die({ kind: 'connection-lost' });
    return endWith(connection, reset);
  }
  const answer = await sent.mail;
  if (isPositive(answer)) return null;
  // It refused the sender and takes a message all the same: not to be trusted with anything.
  await dieIfDataWasGranted(connection, sent);
  return endWith(connection, answer);
}

async function readRcptReplies(transaction: Transaction, sent: Commands): Promise<End | null> {
  const { connection, recipients, rcptReplies } = transaction;
  transaction.phase = 'rcpt';
  let accepted = 0;
  for (const [index, { id }] of recipients.entries()) {
    const answer = await sent.rcpt(index);
    // Malformed, or the end. Nothing more is sent: whether a recipient counts whose reply is not known cannot be told.
    if (answer.kind === 'trouble') return endWith(connection, answer);
    rcptReplies.set(id, answer.reply);
    if (answer.reply.code < 300) accepted++;
    if (connection.getDeath()) return { reply: answer.reply, trouble: null };
  }
  if (accepted > 0) return null;
  const data = sent.data ? await sent.data : null;
  // RFC 2920 §3.1: DATA was granted though no recipient was accepted; an empty message to nobody ends it.
  if (data?.kind === 'reply' && data.reply.code < 400) await connection.ask('.');
  return { reply: null, trouble: null };
}

async function readDataReply(transaction: Transaction, sent: Commands): Promise<End | null> {
  const { connection, timeouts } = transaction;
  transaction.phase = 'data';
  connection.arm(timeouts.data);
  const answer = await (sent.data ?? connection.ask('DATA'));
  if (answer.kind !== 'reply' || answer.reply.code >= 400) return endWith(connection, answer);
  return answer.reply.code < 300 ? malformed(connection, `${answer.reply.code} to DATA`) : null;
}

/** Sends the text with its final dot, and reads the reply. */
async function sendText(transaction: Transaction): Promise<End> {
  const { connection, timeouts, state } = transaction;
  transaction.phase = 'body';
  const final = connection.expect();
  const early = { answered: false };
  void final.then(() => {
    early.answered = true;
  });
  const onDot = (): void => {
    transaction.phase = 'final';
    transaction.dotSent = true;
    state.dotPending = true;
    connection.arm(timeouts.final);
  };
  const { octets, message } = transaction;
  const problem = await sendOctets(connection, octets, message.size, timeouts, () => early.answered, onDot);
  transaction.octetsDone = true;
  if (problem === 'answered') return readEarlyReply(connection, await final);
  if (problem !== null) {
    // The message must not look whole: no dot, no QUIT, the connection is closed (standards N3).
    connection.die(problem);
    return { reply: null, trouble: problem };
  }
  const answer = await final;
  if (answer.kind !== 'reply') return endWith(connection, answer);
  const { code } = answer.reply;
  if (code >= 300 && code < 400) return malformed(connection, `${code} to the message`);
  if (code < 300) state.needsReset = false;
  return { reply: answer.reply, trouble: null };
}

/** A reply in the middle of the text ends the session; one that is not a refusal makes no sense. */
function readEarlyReply(connection: Connection, answer: Answer): End {
  connection.die({ kind: 'connection-lost' });
  return answer.kind === 'reply' && answer.reply.code < 400
    ? malformed(connection, 'a reply before the end of the message')
    : endWith(connection, answer);
}

async function dieIfDataWasGranted(connection: Connection, { data }: Commands): Promise<void> {
  const answer = data ? await data : null;
  if (answer?.kind === 'reply' && answer.reply.code < 400) connection.die({ kind: 'connection-lost' });
}

/** The transaction ends with this answer; trouble ends the session too. */
function endWith(connection: Connection, answer: Answer): End {
  if (answer.kind === 'reply') return { reply: answer.reply, trouble: null };
  connection.die(answer.trouble, answer.reply);
  return { reply: answer.reply, trouble: answer.trouble };
}

function malformed(connection: Connection, line: string): End {
  return endWith(connection, { kind: 'trouble', trouble: { kind: 'malformed', line }, reply: null });
}

function isPositive(answer: Answer): boolean {
  return answer.kind === 'reply' && answer.reply.code < 300;
}
