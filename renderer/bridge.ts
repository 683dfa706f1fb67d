/** How the windows reach the engine: the `Bridge` of the contract, passed down by context so that tests bring their own. */
import { createContext, useCallback, useContext, useEffect, useRef, useState } from 'react';
import type { Bridge, EventName, Input, MethodName, Output } from '../shared/ipc-contract.ts';
import type { Failure } from '../shared/result.ts';
import { useFirstAnswers } from './first-answers.ts';

declare global {
  interface Window {
    readonly postcast?: Bridge;
  }
}

const BridgeContext = createContext<Bridge | null>(null);
export const BridgeProvider = BridgeContext.Provider;

/** The bridge of this window. @throws if a component stands outside of a BridgeProvider: a mistake in the code. */
export function useBridge(): Bridge {
  const bridge = useContext(BridgeContext);
  if (bridge === null) throw new Error('no bridge');
  return bridge;
}

/** Lets a promise go its own way. Calls over the bridge answer with a Result; what still throws is a lost window. */
export function drop(promise: Promise<unknown>): void {
  promise.catch((error: unknown) => {
    globalThis.reportError(error);
  });
}

/** What a live query knows at this moment. `value` stays while a newer one is being fetched. */
export interface Live<T> {
  readonly value: T | null;
  readonly failure: Failure | null;
  readonly reload: () => void;
}

/**
 * Calls `name` with `input`, and again whenever the input changes or one of `events` arrives.
 * @param input null = do not call (yet)
 * @param events must be a constant array
 */
export function useLive<M extends MethodName>(
  name: M,
  input: Input<M> | null,
  events: readonly EventName[],
): Live<Output<M>> {
  const bridge = useBridge();
  const key = input === null ? null : JSON.stringify(input);
  const first = useFirstAnswers();
  const [state, setState] = useState<{ key: string | null; value: Output<M> | null; failure: Failure | null }>(() => ({
    key,
    value: input === null ? null : first.get(name, input),
    failure: null,
  }));
  /** The call whose answer is wanted; an earlier one that answers later is passed over. */
  const wanted = useRef<object | null>(null);
  const known = useRef(state.value !== null);

  const load = useCallback(() => {
    if (key === null) return;
    const ticket = {};
    wanted.current = ticket;
    drop(
      bridge.call(name, JSON.parse(key) as Input<M>).then((result) => {
        if (ticket !== wanted.current) return;
        if (result.ok) setState({ key, value: result.value, failure: null });
        else setState((old) => ({ key, value: old.key === key ? old.value : null, failure: result.error }));
      }),
    );
  }, [bridge, name, key]);

  useEffect(() => {
    if (!known.current || !first.fresh()) load();
    known.current = false;
    const stops = events.map((event) => bridge.on(event, load));
    return () => {
      wanted.current = null;
      for (const stop of stops) stop();
    };
  }, [bridge, load, events, first]);

  const current = state.key === key && key !== null;
  return { value: current ? state.value : null, failure: current ? state.failure : null, reload: load };
}
