/**
 * Every reply that a client of the listener can get, in one table: code, enhanced status (RFC 3463), words, and when.
 * docs/refusals.md is made of it and tested against it. Texts are fixed or carry numbers and our own ids only; nothing
 * that a client said is ever echoed.
 */
import type { EnhancedStatus } from '../../shared/mail.ts';

/** One row. `enhanced` is null where RFC 2034 §3 forbids it (greeting, EHLO, 3yz). `when` completes "sent when …". */
export interface ReplyRow {
  readonly code: number;
  readonly enhanced: EnhancedStatus | null;
  readonly text: string;
  readonly when: string;
  /** The connection is closed behind this reply. */
  readonly closes?: true;
}

export const REFUSALS = {
  // ---- connection
  denied: {
    code: 554,
    enhanced: '5.7.1',
    text: 'Access denied for this address',
    when: 'the client’s address is in `server.deny` (deny wins over everything)',
    closes: true,
  },
  tooManyConnections: {
    code: 421,
    enhanced: '4.7.0',
    text: 'Too many connections, try again in a moment',
    when: 'as many connections are open as are allowed, in all or from this address (loopback has no limit of its own; when all are taken, a session that idles outside a transaction is closed in favour of a new one)',
    closes: true,
  },
  evicted: {
    code: 421,
    enhanced: '4.3.2',
    text: 'Closing this idle connection in favour of another one',
    when: 'all connections are in use and this one has been idle longest, outside a transaction',
    closes: true,
  },
  shuttingDown: {
    code: 421,
    enhanced: '4.3.2',
    text: 'Service is shutting down',
    when: 'the program ends or the listener moves to another port; a transaction in its DATA phase gets its reply first',
    closes: true,
  },
  idle: {
    code: 421,
    enhanced: '4.4.2',
    text: 'Idle for too long, closing',
    when: 'nothing was heard for 5 minutes, or no whole command for 10',
    closes: true,
  },
  tooSlow: {
    code: 421,
    enhanced: '4.4.2',
    text: 'Message data arrives too slowly, closing',
    when: 'DATA brings less than 100 octets a second on average after its first 5 minutes',
    closes: true,
  },
  http: {
    code: 421,
    enhanced: '4.7.0',
    text: 'This is a mail server, it does not speak HTTP',
    when: 'the first word is a request of HTTP: a browser page tries the port; nothing it sends is taken',
    closes: true,
  },
  // ---- commands
  lineTooLong: {
    code: 500,
    enhanced: '5.5.2',
    text: 'Line too long',
    when: 'a command line is longer than 16,384 octets',
    closes: true,
  },
  tooManyErrors: {
    code: 421,
    enhanced: '4.7.0',
    text: 'Too many errors, closing',
    when: 'fifty commands in a row were refused as unknown, malformed or out of order',
    closes: true,
  },
  unknownCommand: {
    code: 500,
    enhanced: '5.5.2',
    text: 'Command not recognized',
    when: 'the verb is unknown (session goes on)',
  },
  expn: { code: 502, enhanced: '5.5.1', text: 'EXPN is not offered', when: 'EXPN is asked for' },
  starttlsNotOffered: {
    code: 502,
    enhanced: '5.5.1',
    text: 'STARTTLS is not offered',
    when: 'STARTTLS is asked for and `server.tls.enabled` is off',
  },
  starttlsUnavailable: {
    code: 454,
    enhanced: '4.7.0',
    text: 'TLS is not available at the moment',
    when: 'STARTTLS is on but its certificate or key could not be made or read',
  },
  tlsAlready: { code: 503, enhanced: '5.5.1', text: 'TLS is already in use', when: 'STARTTLS comes a second time' },
  noArguments: {
    code: 501,
    enhanced: '5.5.4',
    text: 'This command takes no arguments',
    when: 'RSET, DATA, QUIT or STARTTLS has an argument',
  },
  heloSyntax: {
    code: 501,
    enhanced: '5.5.4',
    text: 'Syntax: EHLO name',
    when: 'EHLO or HELO has no name, more than one, or one with control characters or over 300 octets',
  },
  vrfySyntax: { code: 501, enhanced: '5.5.4', text: 'Syntax: VRFY address', when: 'VRFY has no argument' },
  helloFirst: {
    code: 503,
    enhanced: '5.5.1',
    text: 'Send EHLO first',
    when: 'MAIL, RCPT, DATA or AUTH comes before EHLO or HELO',
  },
  nestedMail: {
    code: 503,
    enhanced: '5.5.1',
    text: 'A transaction is already open',
    when: 'MAIL, AUTH or STARTTLS comes inside a transaction',
  },
  needMail: { code: 503, enhanced: '5.5.1', text: 'Send MAIL first', when: 'RCPT comes before MAIL' },
  needRcpt: {
    code: 503,
    enhanced: '5.5.1',
    text: 'Send RCPT first',
    when: 'DATA comes before a recipient was accepted',
  },
  // ---- sign-in
  authRequired: {
    code: 530,
    enhanced: '5.7.0',
    text: 'Sign in first',
    when: 'MAIL comes without sign-in and `server.requireAuth` is on, or the client is neither on loopback nor in `server.allow` and users exist',
  },
  authNeedsTls: {
    code: 538,
    enhanced: '5.7.11',
    text: 'Sign-in needs STARTTLS first',
    when: 'AUTH comes on an unencrypted connection (on loopback `server.tls.allowInsecureAuth` permits it)',
  },
  authNotOffered: {
    code: 502,
    enhanced: '5.5.1',
    text: 'Sign-in is not offered',
    when: 'AUTH comes and no users are set up',
  },
  authAlready: { code: 503, enhanced: '5.5.1', text: 'Already signed in', when: 'AUTH comes a second time' },
  authMechanism: {
    code: 504,
    enhanced: '5.5.4',
    text: 'Unknown sign-in mechanism',
    when: 'AUTH names anything but PLAIN or LOGIN',
  },
  authSyntax: {
    code: 501,
    enhanced: '5.5.2',
    text: 'Sign-in data cannot be read',
    when: 'what follows AUTH is not base64 of the right shape',
  },
  authCancelled: {
    code: 501,
    enhanced: '5.7.0',
    text: 'Sign-in cancelled',
    when: 'the client answers a challenge with `*`',
  },
  authFailed: {
    code: 535,
    enhanced: '5.7.8',
    text: 'User name or password is wrong',
    when: 'the user is unknown or the password wrong (both look alike)',
  },
  authTooOften: {
    code: 421,
    enhanced: '4.7.0',
    text: 'Too many failed sign-ins, closing',
    when: 'the third sign-in on a connection failed or was put off',
    closes: true,
  },
  authSlowDown: {
    code: 454,
    enhanced: '4.7.0',
    text: 'Too many failed sign-ins, try again in a minute',
    when: 'so many sign-ins failed before, with this name from this address, or with either alone, that the next check would be more than 10 seconds away: after the third failure of a name at an address it is a second, then two, four … up to a minute; a sign-in that works ends it, and one failure is forgotten each minute',
  },
  authUnavailable: {
    code: 454,
    enhanced: '4.7.0',
    text: 'Sign-in cannot be checked at the moment',
    when: 'the password could not be checked: 200 sign-ins wait for their turn, or memory ran out',
  },
  // ---- MAIL
  senderSyntax: {
    code: 501,
    enhanced: '5.1.7',
    text: 'Bad sender address',
    when: 'MAIL FROM is not an address in angle brackets, has no domain, holds control characters or broken UTF-8, or is over 254 octets',
  },
  senderUtf8: {
    code: 553,
    enhanced: '5.6.7',
    text: 'Address needs SMTPUTF8',
    when: 'an address has characters outside ASCII and MAIL did not say SMTPUTF8',
  },
  unknownParameter: {
    code: 555,
    enhanced: '5.5.4',
    text: 'Parameter not recognized',
    when: 'MAIL or RCPT carries a parameter that was not announced',
  },
  duplicateParameter: {
    code: 501,
    enhanced: '5.5.4',
    text: 'Parameter given twice',
    when: 'MAIL or RCPT carries a parameter twice',
  },
  badParameter: {
    code: 501,
    enhanced: '5.5.4',
    text: 'Bad parameter value',
    when: 'a value does not fit its parameter: SIZE not 1–20 digits, BODY not 7BIT or 8BITMIME, RET not FULL or HDRS, SMTPUTF8 with a value, ENVID not xtext or over 100, NOTIFY unknown or NEVER with others, ORCPT not `type;xtext` or over 500, a missing value',
  },
  declaredTooBig: {
    code: 552,
    enhanced: '5.3.4',
    text: 'Message is larger than this server takes',
    when: 'SIZE= at MAIL, or the message itself, is over `server.maxMessageBytes`',
  },
  senderNoMx: {
    code: 550,
    enhanced: '5.1.8',
    text: 'Sender domain cannot receive mail',
    when: '`server.refuseSendersWithoutMx` is on and the sender’s domain has neither MX nor address, or a null MX (a DNS that does not answer, or that knows no domain at all, refuses nobody)',
  },
  diskNearlyFull: {
    code: 452,
    enhanced: '4.3.1',
    text: 'Not enough space on disk, try later',
    when: 'the disk is nearly full: at MAIL while there is still room for our own work, and whenever the store says so',
  },
  // ---- RCPT
  recipientSyntax: {
    code: 501,
    enhanced: '5.1.3',
    text: 'Bad recipient address',
    when: 'RCPT TO is not an address in angle brackets, is empty, has no domain (but `<Postmaster>`), holds control characters or broken UTF-8, or is over 254 octets',
  },
  relayDenied: {
    code: 550,
    enhanced: '5.7.1',
    text: 'Relaying denied',
    when: 'the client is neither on loopback nor in `server.allow` nor signed in',
  },
  recipientBlocked: {
    code: 550,
    enhanced: '5.7.1',
    text: 'Recipient is on the block list',
    when: 'the recipient or its domain is in `server.blockedRecipients`',
  },
  blockListUnreadable: {
    code: 451,
    enhanced: '4.3.5',
    text: 'The block list of this server cannot be read, try again once it is put right',
    when: '`*` is in `server.blockedRecipients`: an entry of the list in settings.json cannot be read',
  },
  tooManyRecipients: {
    code: 452,
    enhanced: '4.5.3',
    text: 'Too many recipients, send the rest in another transaction',
    when: 'more than 1,000 recipients in one transaction; those accepted stay accepted',
  },
  // ---- DATA
  bareNewline: {
    code: 554,
    enhanced: '5.6.0',
    text: 'Message has a bare CR or LF; lines must end in CRLF',
    when: 'a CR or LF stands alone anywhere in the message (SMTP smuggling)',
  },
  textLineTooLong: {
    code: 554,
    enhanced: '5.6.0',
    text: 'Message has a line that is too long',
    when: 'a line of the message is longer than 1,048,576 octets',
  },
  headerTooBig: {
    code: 554,
    enhanced: '5.6.0',
    text: 'Message header is too large',
    when: 'the header of the message is larger than 1,048,576 octets',
  },
  loop: {
    code: 554,
    enhanced: '5.4.6',
    text: 'Too many hops: mail loop',
    when: 'the message carries 100 or more Received fields',
  },
  // ---- ourselves
  storeTrouble: {
    code: 451,
    enhanced: '4.3.0',
    text: 'Message could not be stored, try later',
    when: 'the store failed before the message was safe on disk (read-only, damaged, busy, closing)',
  },
  internal: {
    code: 451,
    enhanced: '4.3.0',
    text: 'Local error, try later',
    when: 'something unforeseen went wrong on our side',
  },
} as const satisfies Readonly<Record<string, ReplyRow>>;

export type RefusalName = keyof typeof REFUSALS;

/** One row by its name, with the common type. */
export function refusal(name: RefusalName): ReplyRow {
  return REFUSALS[name];
}
