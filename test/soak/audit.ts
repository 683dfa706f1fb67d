/** Holds what the program shows against the ledger: each accepted recipient must have exactly one fate, and a right one. */
import { isPending, type MessageDetails, type RecipientView } from '../../shared/mail.ts';
import { isMistyped, type Copy, type Ledger, type Person } from './ledger.ts';

/** What the program shows at the end, by queue id: all folders. */
export type Shown = ReadonlyMap<string, MessageDetails>;

const HOUR_MS = 3_600_000;
/** Given up after its time (RFC 3463). */
const EXPIRED = '4.4.7';

type Fate =
  /** Delivered or relayed, as the program says. */
  | 'delivered'
  | 'bounced'
  | 'bad'
  | 'waiting'
  /** By the user: deleted, replaced, purged. */
  | 'closed'
  /** The answer to what made it was lost: it need not be there. */
  | 'unsure';

/** Writes every violation into the ledger. To be called when everything is well again and nothing is under way. */
export function audit(ledger: Ledger, shown: Shown): void {
  adopt(ledger, shown);
  for (const person of ledger.people.values()) {
    const fates = person.copies.map((copy) => fateOf(ledger, copy, shown));
    balance(ledger, person, fates);
  }
  reportsPerMessage(ledger, shown);
}

/** Messages that were made though their maker never heard so get their id. */
function adopt(ledger: Ledger, shown: Shown): void {
  for (const [id, details] of shown) {
    if (ledger.copies.has(id)) continue;
    for (const { rcptTo } of details.recipients) {
      const copy = ledger.people.get(rcptTo)?.copies.find((c) => c.id === null);
      if (!copy) continue;
      copy.id = id;
      ledger.copies.set(id, [...(ledger.copies.get(id) ?? []), copy]);
    }
  }
}

function fateOf(ledger: Ledger, copy: Copy, shown: Shown): Fate {
  const { address } = copy.person;
  if (copy.id === null) return 'unsure';
  const details = shown.get(copy.id);
  const view = details?.recipients.find((r) => r.rcptTo === address);
  const did = (...what: readonly string[]): boolean => copy.acts.some((act) => what.includes(act.what));
  if (!details) {
    // What was deleted goes for good after its days.
    if (!did('purge', 'delete')) ledger.break('lost', `${address}: message ${copy.id} is gone`);
    return 'closed';
  }
  if (!view) {
    ledger.break('lost', `${address}: message ${copy.id} does not have it any more`);
    return 'closed';
  }
  const state: string = view.state;
  if (state === 'replaced') {
    if (!did('resend')) ledger.break('unnamed', `${address} of ${copy.id} counts as replaced`);
    return 'closed';
  }
  if (state === 'delivered' || state === 'relayed') return 'delivered';
  const failed = state === 'bounced' || state === 'bad';
  if (details.folder === 'deleted') {
    // The message moved; its recipients that waited were closed by it.
    const last = copy.acts.findLast((act) => ['delete', 'restore'].includes(act.what));
    const meant = last?.what === 'delete' || last?.doneAt === null || (failed && did('resend'));
    if (!meant) ledger.break('unnamed', `${address} of ${copy.id} is ${state} in Deleted`);
    return 'closed';
  }
  if (isPending(view.state)) {
    ledger.break('stuck', `${address} of ${copy.id} is ${state}, next attempt ${view.nextAt ?? 'never'}`);
    return 'waiting';
  }
  if (!failed) throw new Error(`a state that this test does not know: ${state}`);
  cause(ledger, copy, view);
  return state;
}

/** Why it failed, if there is a reason. */
function cause(ledger: Ledger, copy: Copy, view: RecipientView): void {
  const { person } = copy;
  const now = Infinity;
  if (person.refusals.length > 0) return;
  if (person.sender === null && ledger.nullSenderRefused.some((at) => at >= copy.since)) return;
  if (isMistyped(person) && ledger.held(copy.since, now, (c) => c.resolver === 'sane')) return;
  const age = ledger.oldest(copy.sinceWall);
  const pastLimit = ledger.held(copy.since, now, ({ limit: { unit, value } }) =>
    unit === 'attempts' ? true : age >= value * (unit === 'days' ? 24 : 1) * HOUR_MS,
  );
  if (view.status === EXPIRED && pastLimit) return;
  ledger.break(
    'causeless',
    `${person.address} of ${copy.id ?? '?'} is ${view.state} with ${view.status ?? 'no status'} (${view.reply?.text ?? 'no reply'})`,
  );
}

/** Arrivals against what the program says, and who was told what. */
function balance(ledger: Ledger, person: Person, fates: readonly Fate[]): void {
  const { address, arrivals, copies } = person;
  const count = (...which: readonly Fate[]): number => fates.filter((fate) => which.includes(fate)).length;
  const delivered = count('delivered');
  if (delivered > arrivals.length)
    ledger.break('unfounded', `${address} counts as delivered, and arrived ${arrivals.length} times`);
  const heard = arrivals.filter((arrival) => ledger.wasHeard(arrival)).length;
  if (heard > delivered + count('closed', 'unsure'))
    ledger.break('forgotten', `${address} was taken (${ledger.story(person)}), and is ${fates.join(', ')}`);

  const told = [...ledger.reports.values()].filter((report) =>
    report.recipients.some((r) => r.address === address && r.action === 'failed'),
  ).length;
  const acts = copies.flatMap((copy) => copy.acts);
  const again = acts.filter((act) => act.what === 'retry').length;
  if (told > copies.length + again) ledger.break('untold', `${address} was reported as failed ${told} times`);
  if (told > 0 && again === 0 && copies.length === 1 && fates[0] === 'delivered')
    ledger.break('untold', `${address} was delivered and reported as failed`);
  const [copy] = copies;
  if (copies.length !== 1 || copy === undefined || again > 0 || (fates[0] !== 'bounced' && fates[0] !== 'bad')) return;
  const wants = person.sender !== null && (person.notify?.includes('failure') ?? true);
  const returned = (yes: boolean): boolean => ledger.held(copy.since, Infinity, (c) => c.returnUndeliverable === yes);
  if (person.sender !== null && person.notify?.includes('never') === true && told > 0)
    ledger.break('untold', `${address} was reported, and its sender wanted no report`);
  if (wants && told === 0 && !returned(false) && fates[0] === 'bounced')
    ledger.break('untold', `${address} bounced, and its sender was not told`);
  if (fates[0] === 'bad' && told > 0) ledger.break('untold', `${address} is in Bad, and was reported all the same`);
}

/** One report for a message and moment, however many recipients (spec §6). */
function reportsPerMessage(ledger: Ledger, shown: Shown): void {
  for (const letter of ledger.letters.values()) {
    const copies = letter.people.flatMap((person) => person.copies);
    if (letter.id === null || copies.some((copy) => copy.acts.length > 0)) continue;
    const reports = [...ledger.reports.values()].filter(
      (report) => report.tag === letter.tag && report.recipients.some((r) => r.action === 'failed'),
    ).length;
    const failed = shown.get(letter.id)?.recipients.filter((r) => r.state === 'bounced') ?? [];
    const moments = new Set(failed.map((r) => r.doneAt)).size;
    if (reports > moments)
      ledger.break('untold', `${letter.tag} failed at ${moments} moments and was reported ${reports} times`);
  }
}
