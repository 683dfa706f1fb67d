/**
 * The domain log (spec §6 *Log files*): one line per event, `time event id key=value …`. Whatever came from outside is
 * escaped, so that no client or server can write a line of its own (standards §3 log injection). Secrets are never
 * given to it.
 */
import type { HopAttempt, SmtpReply, Verdict } from '../../shared/mail.ts';
import { assertNever } from '../../shared/result.ts';
import type { Log } from './log-port.ts';
import { LogFile, type LogFileOptions, type LogMode } from './log-file.ts';

export type { LogMode } from './log-file.ts';

export interface ProgramLog extends Log {
  setMode(mode: LogMode): void;
  /** Resolves when all lines so far were handed to the system. */
  flush(): Promise<void>;
  /** For the moment before a crash. */
  flushSync(): void;
  close(): Promise<void>;
}

type Value = string | number | boolean | null;

/** Longest value in a line; a server's endless words are cut. */
const MAX_VALUE = 1000;

/** Opens nothing until the first line. */
export function createLog(options: LogFileOptions): ProgramLog {
  const file = new LogFile(options);
  const write = (event: string, id: string | null, facts: Readonly<Record<string, Value>>): void => {
    if (file.off) return;
    let line = `${new Date(options.clock.now()).toISOString()} ${event}`;
    if (id !== null) line += ` ${escapeText(id)}`;
    for (const [key, value] of Object.entries(facts)) line += ` ${key}=${formatValue(value)}`;
    file.line(line);
  };
  return {
    queued: (id, facts) =>
      write('queued', id, {
        from: facts.from ?? '<>',
        recipients: facts.recipients,
        size: facts.size,
        client: facts.client,
      }),
    refused: (facts) => write('refused', null, { ...facts }),
    attempt: (id, hopTry) => write('attempt', id, attemptFacts(hopTry)),
    sent: (id, rcptTo, via, reply) => write('sent', id, { to: rcptTo, via, reply }),
    deferred: (id, rcptTo, why, nextAt) =>
      write('deferred', id, { to: rcptTo, why, next: new Date(nextAt).toISOString() }),
    bounced: (id, rcptTo, folder, reply) => write('bounced', id, { to: rcptTo, folder, reply }),
    note: (event, facts = {}) => write(escapeText(event), null, facts),
    conversation: (session, direction, line) => {
      if (!file.off)
        file.line(
          `${new Date(options.clock.now()).toISOString()} ${direction === 'in' ? '<' : '>'} ${escapeText(session)} ${escapeText(line)}`,
        );
    },
    problem: (event, error) => write('problem', null, { event, error: errorText(error) }),
    setMode: (mode) => file.setMode(mode),
    flush: () => file.flush(),
    flushSync: () => file.flushSync(),
    close: () => file.close(),
  };
}

function attemptFacts(hopTry: HopAttempt): Readonly<Record<string, Value>> {
  const { hop } = hopTry;
  return {
    attempt: hopTry.attempt,
    hop: `${hop.kind}:${hop.host}:${hop.port}`,
    ...(hop.address === undefined ? {} : { address: hop.address }),
    ...(hop.gatewayName === undefined ? {} : { gateway: hop.gatewayName }),
    network: hopTry.network,
    phase: hopTry.phase,
    tls: hopTry.tls ? `${hopTry.tls.protocol}${hopTry.tls.verified ? ' verified' : ''}` : null,
    ms: hopTry.endedAt - hopTry.startedAt,
    ...(hopTry.skipped ? { skipped: true } : {}),
    ...(hopTry.error === undefined ? {} : { error: hopTry.error }),
    outcomes: hopTry.outcomes.map((outcome) => `${outcome.recipient}:${verdictText(outcome.verdict)}`).join('; '),
  };
}

function verdictText(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'delivered':
      return `delivered ${replyText(verdict.reply)}`;
    case 'rejected':
      return `rejected ${verdict.status} ${verdict.scope} ${replyText(verdict.reply)}`;
    case 'deferred':
      return `deferred ${verdict.status} ${verdict.scope} ${verdict.why} ${replyText(verdict.reply)}`;
    default:
      return assertNever(verdict);
  }
}

function replyText(reply: SmtpReply | undefined): string {
  return reply ? `(${reply.code} ${reply.text})` : '';
}

function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.stack ?? error.message;
}

function formatValue(value: Value): string {
  if (typeof value !== 'string') return String(value);
  const text = escapeText(value);
  return /^[^\s"=]+$/.test(text) ? text : `"${text.replace(/["]/g, '\\"')}"`;
}

/** Control characters, line separators, direction overrides and lone surrogates become \xHH or \u{HHHH}; long text is cut. */
export function escapeText(text: string): string {
  // Nearly every line is plain.
  if (text.length <= MAX_VALUE && !NOT_PLAIN.test(text)) return text;
  const cut = text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}…` : text;
  return cut.replace(/\\/g, '\\\\').replace(UNSAFE, (c) => {
    const code = c.codePointAt(0) ?? 0;
    return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** Anything but printable ASCII without the backslash. */
const NOT_PLAIN = /[^ -[\]-~]/;
const UNSAFE =
  // eslint-disable-next-line no-control-regex -- control characters are what is escaped
  /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
