/** What the dialog "send again" shows and asks for, computed from the message as it is now and what the user did. Pure. */
import { isAccepted, isFailed, type RecipientView } from '../../shared/mail.ts';
import { isEmailAddress } from '../../shared/syntax.ts';

/** What the user has done so far; null = nothing. */
export interface ResendEdits {
  readonly text: string;
  /** Ids of the recipients to be replaced. */
  readonly ticked: ReadonlySet<number>;
}

/** One recipient that can be replaced. */
export interface Candidate {
  readonly recipient: RecipientView;
  readonly ticked: boolean;
}

export interface ResendChoice {
  readonly candidates: readonly Candidate[];
  readonly text: string;
  readonly good: readonly string[];
  readonly wrong: readonly string[];
  /** Ids for the call. */
  readonly replaces: readonly number[];
  /** To be replaced, but being sent at this moment: the server has to answer first. */
  readonly inFlight: readonly string[];
  /** Typed, and they have the message already. */
  readonly twice: readonly string[];
  /** How many are still tried for the old message. */
  readonly left: number;
  /** Nobody is left in the old message: it goes to Deleted. */
  readonly emptied: boolean;
}

const NOBODY: readonly RecipientView[] = [];

function partsOf(text: string): readonly string[] {
  const all = text.split(/[\n,;]+/).map((part) => part.trim());
  return [...new Set(all.filter((part) => part !== ''))];
}

/** As the engine compares them, but for the spellings of international domains. */
const mailbox = (address: string): string => address.toLowerCase();

/** Whether a recipient can be replaced: one that has the message or was replaced before cannot. */
function isOpen({ state }: RecipientView): boolean {
  return !isAccepted(state) && state !== 'replaced';
}

/** What is shown until the user does something: the recipients that failed. */
function initialEdits(recipients: readonly RecipientView[]): ResendEdits {
  const failed = recipients.filter(({ state }) => isFailed(state));
  return { text: failed.map(({ rcptTo }) => rcptTo).join('\n'), ticked: new Set(failed.map(({ id }) => id)) };
}

/** Computes it. @param recipients of the message as it is now, null = not known yet */
export function resendChoice(recipients: readonly RecipientView[] | null, touched: ResendEdits | null): ResendChoice {
  const known = recipients ?? NOBODY;
  const { text, ticked } = touched ?? initialEdits(known);
  const parts = partsOf(text);
  const good = parts.filter(isEmailAddress);
  const typed = new Set(good.map(mailbox));
  const open = known.filter(isOpen);
  const candidates = open.map((recipient) => ({
    recipient,
    // A recipient that is still to get the old message would get both.
    ticked: ticked.has(recipient.id) || typed.has(mailbox(recipient.rcptTo)),
  }));
  const named = candidates.filter((one) => one.ticked).map(({ recipient }) => recipient);
  const left = candidates.filter((one) => !one.ticked && !isFailed(one.recipient.state)).length;
  return {
    candidates,
    text,
    good,
    wrong: parts.filter((part) => !isEmailAddress(part)),
    replaces: named.map(({ id }) => id),
    inFlight: named.filter(({ state }) => state === 'attempting').map(({ rcptTo }) => rcptTo),
    twice: known.filter(({ state, rcptTo }) => isAccepted(state) && typed.has(mailbox(rcptTo))).map((r) => r.rcptTo),
    left,
    emptied: known.length > 0 && named.length === open.length && !known.some(({ state }) => isAccepted(state)),
  };
}

/** After withText: from now on nothing changes in the box by itself. */
export function withText(choice: ResendChoice, text: string): ResendEdits {
  return { text, ticked: new Set(choice.replaces) };
}

/** The user wants this recipient replaced, or no more: its address comes into the box, or leaves it. */
export function withTicked(choice: ResendChoice, { id, rcptTo }: RecipientView, ticked: boolean): ResendEdits {
  const others = choice.replaces.filter((one) => one !== id);
  const lines = choice.text.split('\n').filter((line) => mailbox(line.trim()) !== mailbox(rcptTo));
  const text = (ticked ? [...lines.filter((line) => line.trim() !== ''), rcptTo] : lines).join('\n');
  return { text, ticked: new Set(ticked ? [...others, id] : others) };
}
