import { expect, it } from 'vitest';
import { createEmitter } from '../../../main/runtime/emitter.ts';

interface Events {
  readonly told: string;
  readonly changed: undefined;
}

it('calls listeners in the order of their subscription, those that unsubscribed no more', () => {
  const heard: string[] = [];
  const events = createEmitter<Events>(() => undefined);
  const stop = events.on('told', (word) => heard.push(`a ${word}`));
  events.on('told', (word) => heard.push(`b ${word}`));
  events.on('changed', () => heard.push('changed'));
  events.emit('told', 'one');
  stop();
  events.emit('told', 'two');
  events.emit('changed');
  expect(heard).toEqual(['a one', 'b one', 'b two', 'changed']);
});

it('a listener that throws keeps nobody else from hearing, and is reported', () => {
  const heard: string[] = [];
  const problems: unknown[] = [];
  const events = createEmitter<Events>((error) => problems.push(error));
  const bug = new Error('bug');
  events.on('changed', () => {
    throw bug;
  });
  events.on('changed', () => heard.push('second'));
  events.emit('changed');
  expect([heard, problems]).toEqual([['second'], [bug]]);
});

it('a function that was subscribed twice is called twice, and each subscription ends by itself', () => {
  let calls = 0;
  const events = createEmitter<Events>(() => undefined);
  const count = (): void => void (calls += 1);
  const stop = events.on('changed', count);
  events.on('changed', count);
  events.emit('changed');
  stop();
  events.emit('changed');
  expect(calls).toBe(3);
});
