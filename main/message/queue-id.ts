import type { Clock, Random } from '../runtime/clock.ts';
import type { QueueId } from '../../shared/mail.ts';

const DIGITS = '0123456789bcdfghjklmnpqrstvwxyz'; // no vowels: no words by chance

/**
 * Makes queue ids: 9 digits of milliseconds, so that they sort by age, then 5 of randomness, so that two programs on one
 * mailbox never meet. Unique within a run even if the clock stops or goes back.
 */
export function createQueueIds(clock: Clock, random: Random): () => QueueId {
  let last = 0;
  return () => {
    last = Math.max(last + 1, clock.now());
    let time = '';
    for (let rest = last; time.length < 9; rest = Math.floor(rest / 31)) time = DIGITS.charAt(rest % 31) + time;
    let tail = '';
    while (tail.length < 5) tail += DIGITS.charAt(Math.floor(random.next() * 31));
    return time + tail;
  };
}
