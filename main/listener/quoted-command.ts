/** What the log may show of a client's commands. */

const QUOTED_VERBS: ReadonlySet<string> = new Set([
  'EHLO',
  'HELO',
  'MAIL',
  'RCPT',
  'DATA',
  'RSET',
  'NOOP',
  'QUIT',
  'VRFY',
  'EXPN',
  'HELP',
  'STARTTLS',
]);

/**
 * Makes the quoter of one session: gets each command line and its verb in capitals, returns what may be shown. A client
 * whose AUTH was refused may send user name and password all the same, as commands: from then on only what we know is quoted.
 */
export function createCommandQuoter(): (text: string, verb: string) => string {
  let triedAuth = false;
  return (text, verb) => {
    if (/^\s*AUTH/i.test(text)) {
      triedAuth = true;
      return 'AUTH';
    }
    return triedAuth && !QUOTED_VERBS.has(verb) ? '(not shown)' : text.slice(0, 300);
  };
}
