/** The options of sendmail(8), as mail programs, cron and git use them. Pure. */

/** What was asked for. */
export interface SendmailArgs {
  /** Recipients from the header (-t). */
  readonly fromHeader: boolean;
  /** A line with a single dot is part of the message (-i, -oi). */
  readonly ignoreDots: boolean;
  /** Envelope sender (-f, -r); null = not given, '' = the null reverse-path. */
  readonly sender: string | null;
  readonly recipients: readonly string[];
  readonly profile: string | null;
  /** Trouble is told as JSON on standard output. */
  readonly json: boolean;
  readonly help: boolean;
}

/** Options with a value that mean nothing here, alone or joined to it: -F name, -B type, -N dsn, … */
const IGNORED_WITH_VALUE = ['-F', '-B', '-N', '-R', '-V', '-L', '-h', '-O', '-X', '-p', '-C'];
/** Options without a value, which may be joined (-tvi); all but -t and -i are fine to ignore. */
const FLAGS = /^-[tivnmGUE]+$/;
/** Others that are fine to ignore. */
const IGNORED = /^-(o[A-Za-z].*|e[a-z]?|Am|Ac|bm)$/;

/** Understood, or the words for the user. */
export function parseSendmail(
  argv: readonly string[],
): { readonly ok: true; readonly args: SendmailArgs } | { readonly ok: false; readonly message: string } {
  let fromHeader = false;
  let ignoreDots = false;
  let sender: string | null = null;
  let profile: string | null = null;
  let json = false;
  let help = false;
  const recipients: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === '--') {
      // Not spread: there may be more than a call can have arguments.
      for (const recipient of argv.slice(i + 1)) recipients.push(recipient);
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      recipients.push(word);
    } else if (word === '--profile' || word.startsWith('--profile=')) {
      const value = word === '--profile' ? argv[++i] : word.slice('--profile='.length);
      if (value === undefined || value === '') return { ok: false, message: '--profile needs a folder' };
      profile = value;
    } else if (word === '--json') json = true;
    else if (word === '--help') help = true;
    else if (FLAGS.test(word)) {
      fromHeader ||= word.includes('t');
      ignoreDots ||= word.includes('i');
    } else if (word === '-oi') ignoreDots = true;
    else if (word.startsWith('-f') || word.startsWith('-r')) {
      const value = word.length > 2 ? word.slice(2) : argv[++i];
      if (value === undefined) return { ok: false, message: `${word} needs an address` };
      sender = value === '<>' ? '' : value.replace(/^<(.*)>$/, '$1');
    } else if (/^-b[a-z]$/.test(word) && word !== '-bm') {
      return { ok: false, message: `${word} is not supported: postcast sendmail only takes messages` };
    } else if (IGNORED_WITH_VALUE.includes(word)) i++;
    else if (!IGNORED.test(word) && !IGNORED_WITH_VALUE.some((option) => word.startsWith(option))) {
      return { ok: false, message: `unknown option ${word}` };
    }
  }
  return { ok: true, args: { fromHeader, ignoreDots, sender, recipients, profile, json, help } };
}

/** A name without a domain is meant for this computer: `root` becomes `root@host`. */
export function qualify(address: string, host: string): string {
  return address === '' || address.includes('@') ? address : `${address}@${host}`;
}
