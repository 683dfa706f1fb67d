/** Mail programs hand messages in. */
import { DOMAINS, MISTYPED } from './internet.ts';
import { letterText } from './letter-text.ts';
import type { Soak } from './soak-state.ts';

export const MAX_RECIPIENTS = 40;

export async function handIn(soak: Soak, recipients: number): Promise<void> {
  const { house, ledger, chance, state } = soak;
  state.letters += 1;
  const tag = `m${state.letters}`;
  const sender = chance.happens(0.05) ? null : `s-${tag}@sender.test`;
  const people = Array.from({ length: recipients }, (_, i) => {
    const domain = chance.happens(0.05) ? MISTYPED : chance.pick(DOMAINS);
    const notify = chance.happens(0.1)
      ? chance.pick([['never'], ['success', 'failure'], ['delay']] as const)
      : undefined;
    return { address: `${tag}-r${i}@${domain}`, notify };
  });
  const letter = ledger.handIn(tag, sender, people);
  const filler = chance.happens(0.05) ? chance.int(100, 20_000) : chance.int(1, 20);
  const done = await house.submit({ sender, recipients: people, text: letterText(tag, sender, filler) });
  switch (done.kind) {
    case 'accepted':
      return ledger.accepted(letter, done.id);
    case 'refused':
      return ledger.refusedToTake(letter, done.words);
    case 'unknown':
      return ledger.neverAnswered(letter);
  }
}
