/**
 * What a window asks as soon as it runs, so that its first drawing is the whole picture: asked one after the other by
 * the components that want them, the answers would each bring a drawing of their own.
 */
import { createContext, useContext } from 'react';
import type { Bridge, EventName, Input, MethodName, Output } from '../shared/ipc-contract.ts';
import { FIRST_LAYOUT, parseLayout } from './queue/layout.ts';
import { recall } from './queue/remembered.ts';
import { PAGE } from './queue/row-cache.ts';

/** The answers of the start, for as long as the first drawing takes. */
export interface FirstAnswers {
  /** The answer to exactly this call, if it was asked at the start. */
  readonly get: <M extends MethodName>(name: M, input: Input<M>) => Output<M> | null;
  /** False if something has been announced since it was asked: then it has to be asked again. */
  readonly fresh: () => boolean;
  /** The first drawing is done: components that come later ask for themselves. */
  readonly close: () => void;
}

export const NO_ANSWERS: FirstAnswers = { get: () => null, fresh: () => false, close: () => undefined };

const FirstAnswersContext = createContext<FirstAnswers>(NO_ANSWERS);
export const FirstAnswersProvider = FirstAnswersContext.Provider;

export function useFirstAnswers(): FirstAnswers {
  return useContext(FirstAnswersContext);
}

/** A queue that cannot be read at once (a busy disk) must not keep the window empty any longer. */
const PATIENCE_MS = 250;
const ANNOUNCED: readonly EventName[] = ['queue:changed', 'settings:changed', 'status:changed'];

/**
 * Asks what the window behind `hash` begins with.
 * @returns when all is answered; what the queue answers is not waited for longer than a moment
 */
export async function askFirst(bridge: Bridge, hash: string): Promise<FirstAnswers> {
  const answers = new Map<string, unknown>();
  let changed = false;
  const stops = ANNOUNCED.map((event) =>
    bridge.on(event, () => {
      changed = true;
    }),
  );
  const ask = async <M extends MethodName>(name: M, input: Input<M>): Promise<void> => {
    const result = await bridge.call(name, input);
    if (result.ok) answers.set(keyOf(name, input), result.value);
  };
  const needed = [ask('settings.get', {}), ask('status.get', {})];
  if (!/^#\/(settings|welcome)\b/.test(hash)) {
    const { sort, descending } = recall('queue.layout', parseLayout, FIRST_LAYOUT);
    const queue = [
      ask('queue.list', { folder: 'outbox', search: '', sort, descending, offset: 0, limit: PAGE }),
      ask('queue.folders', {}),
      ask('queue.activity', { span: 'hour' }),
    ];
    needed.push(Promise.race([Promise.all(queue).then(() => undefined), pause(PATIENCE_MS)]));
  }
  await Promise.all(needed);
  return {
    get: <M extends MethodName>(name: M, input: Input<M>) =>
      (answers.get(keyOf(name, input)) as Output<M> | undefined) ?? null,
    fresh: () => !changed,
    close: () => {
      for (const stop of stops) stop();
      answers.clear();
      changed = true;
    },
  };
}

function keyOf(name: string, input: unknown): string {
  return `${name} ${JSON.stringify(input)}`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
