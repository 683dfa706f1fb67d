/** A clock that is wrong, set, or was never asked (standards §3: −3 d, +3 d, +10 d): retried soon, not bounced unseen. */
import { afterEach, expect, it } from 'vitest';
import { StoreError } from '../../../main/queue/queue-store.ts';
import { accepted, later, silent, type Script } from '../../fakes/scripted-delivery.ts';
import { createEngineLab, DAY, HOME, HOUR, NO_NETWORK, type EngineLab } from '../../support/engine-lab.ts';

const MINUTE = 60_000;
let lab: EngineLab | undefined;
afterEach(async () => {
  await lab?.close();
  lab = undefined;
});
async function waiting(script: Script): Promise<{ readonly lab: EngineLab; readonly id: string }> {
  lab = await createEngineLab(script);
  const id = await lab.accept(['bob@a.test']);
  expect(await lab.states(id)).toEqual({ 'bob@a.test': 'deferred' });
  return { lab, id };
}

it.each([
  ['three days back', -3 * DAY],
  ['an hour back', -HOUR],
  ['three days on', 3 * DAY],
])('set %s while mail waits: retried within minutes all the same', async (_, by) => {
  const { lab, id } = await waiting(() => later);
  for (let i = 0; i < 3; i += 1) await lab.advance(2 * MINUTE);
  lab.delivery.become(() => accepted);
  lab.clock.jump(by);
  await lab.advance(6 * MINUTE);
  expect(await lab.states(id)).toEqual({ 'bob@a.test': 'delivered' });
});

it('set ten days on: past the limit, but one more attempt is made, and a success counts', async () => {
  const { lab, id } = await waiting(() => later);
  const tried = lab.delivery.taken.length;
  lab.delivery.become(() => accepted);
  lab.clock.jump(10 * DAY);
  await lab.advance(6 * MINUTE);
  expect(lab.delivery.taken.length).toBe(tried + 1);
  expect(await lab.states(id)).toEqual({ 'bob@a.test': 'delivered' });
  expect(lab.failed).toEqual([]);
});

it('set ten days on without a network: nothing is tried, nothing bounces; with the network it is tried first', async () => {
  lab = await createEngineLab(() => silent);
  await lab.network(NO_NETWORK);
  const id = await lab.accept(['bob@a.test']);
  lab.clock.jump(10 * DAY);
  await lab.advance(HOUR);
  expect(await lab.states(id)).toMatchObject({ 'bob@a.test': expect.stringMatching(/queued|held/) as string });
  lab.delivery.become(() => accepted);
  await lab.network(HOME);
  expect(await lab.states(id)).toEqual({ 'bob@a.test': 'delivered' });
});

it.each([
  ['ten days on', 10 * DAY],
  ['three days back', -3 * DAY],
])('%s between two runs of the program: tried at once after the start, not given up unseen', async (_, by) => {
  const { lab, id } = await waiting(() => later);
  lab.delivery.become(() => accepted);
  lab.clock.jump(by);
  await lab.crash();
  await lab.settle();
  expect(await lab.states(id)).toEqual({ 'bob@a.test': 'delivered' });
  expect(lab.failed).toEqual([]);
});

it('set back after the queue was asked and before the timer is set: noticed then, not minutes later', async () => {
  lab = await createEngineLab(() => later);
  const { clock } = lab;
  const store = lab.store();
  const claimDue = store.claimDue.bind(store);
  let jumped = false;
  store.claimDue = async (query) => {
    const claimed = await claimDue(query);
    // What was deferred is recorded by now: the queue is asked for what else is due.
    if (!jumped && claimed.length === 0 && (await store.nextDueAt()) !== null) {
      jumped = true;
      clock.jump(-HOUR);
      lab?.delivery.become(() => accepted);
    }
    return claimed;
  };
  const id = await lab.accept(['bob@a.test']);
  expect(jumped).toBe(true);
  await lab.advance(MINUTE);
  expect(await lab.states(id)).toEqual({ 'bob@a.test': 'delivered' });
});

it('set back while an outcome waits to be recorded: retried when it would have been', async () => {
  lab = await createEngineLab(() => later);
  const { clock } = lab;
  const store = lab.store();
  const record = store.record.bind(store);
  let tries = 0;
  store.record = async (outcome) => {
    tries += 1;
    if (tries === 1) {
      clock.jump(-HOUR);
      // The clock is noticed now, while this message is still in flight.
      lab?.engine().newMail();
      throw new StoreError('full', 'the disk is full');
    }
    return record(outcome);
  };
  const accepting = lab.accept(['bob@a.test']);
  await expect.poll(() => lab?.log.lines.some((line) => line.includes('clock-set'))).toBe(true);
  await clock.advance(1_000);
  const id = await accepting;
  lab.delivery.become(() => accepted);
  await lab.advance(2 * MINUTE);
  expect(tries).toBeGreaterThan(1);
  expect(await lab.states(id)).toEqual({ 'bob@a.test': 'delivered' });
});

it('an empty queue sets no timer for the clock', async () => {
  lab = await createEngineLab(() => accepted);
  await lab.accept(['bob@a.test']);
  // Only the tidying of old mail is left.
  expect(lab.clock.untilNext()).toBeGreaterThan(5 * MINUTE);
});
