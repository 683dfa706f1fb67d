/** The settings of a mail program that submits its mail here (spec §8). Pure. */
import type { Settings } from '../../shared/settings.ts';

export const MAIL_PROGRAMS = ['thunderbird', 'apple', 'outlook', 'msmtp', 'git', 'other'] as const;
export type MailProgram = (typeof MAIL_PROGRAMS)[number];

/** Where and how our listener takes mail. */
export interface Submission {
  readonly host: string;
  readonly port: number;
  readonly starttls: boolean;
  readonly signIn: boolean;
}

/** @param port the one that is really listened on, if it is known */
export function submissionOf({ server }: Pick<Settings, 'server'>, port = server.port): Submission {
  const local = server.host.some((host) => /^(127\.|::1$|0\.0\.0\.0$|::$|localhost$)/i.test(host));
  return {
    host: local ? 'localhost' : (server.host[0] ?? 'localhost'),
    port,
    starttls: server.tls.enabled,
    signIn: server.requireAuth,
  };
}

/** A value for inside single quotes of a POSIX shell. */
const quoted = (value: string) => `'${value.replaceAll("'", `'\\''`)}'`;

/**
 * Lines to paste, for programs that are set up by lines; null for those that have a form.
 * @param from the user's address, '' if not known
 */
export function linesFor(program: MailProgram, to: Submission, from: string): string | null {
  switch (program) {
    case 'msmtp':
      return [
        'account postcast',
        `host ${to.host}`,
        `port ${to.port}`,
        `from ${from === '' ? 'you@example.com' : from}`,
        `tls ${to.starttls ? 'on' : 'off'}`,
        ...(to.starttls ? ['tls_starttls on', 'tls_certcheck off'] : []),
        `auth ${to.signIn ? 'on' : 'off'}`,
        'account default : postcast',
      ].join('\n');
    case 'git':
      return [
        `git config --global sendemail.smtpServer ${quoted(to.host)}`,
        `git config --global sendemail.smtpServerPort ${to.port}`,
        ...(to.starttls ? ['git config --global sendemail.smtpEncryption tls'] : []),
        ...(from === '' ? [] : [`git config --global sendemail.from ${quoted(from)}`]),
      ].join('\n');
    case 'thunderbird':
    case 'apple':
    case 'outlook':
    case 'other':
      return null;
  }
}
