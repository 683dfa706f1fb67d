/** A small typed emitter: subscribing returns its unsubscribe. A listener that throws harms nobody else. */
export interface Emitter<Events> {
  on<E extends keyof Events>(event: E, listener: (payload: Events[E]) => void): () => void;
  /** Calls the listeners of `event` at once, in the order of their subscriptions. An event whose payload is `undefined` is emitted without one. */
  emit<E extends keyof Events>(event: E, ...payload: Payload<Events[E]>): void;
}

type Payload<P> = [P] extends [undefined] ? [] : [payload: P];

/** @param problem Told of a listener that threw. */
export function createEmitter<Events>(problem: (error: unknown) => void): Emitter<Events> {
  const listeners = new Map<keyof Events, Set<(payload: never) => void>>();
  return {
    on(event, listener) {
      const those = listeners.get(event) ?? new Set();
      listeners.set(event, those);
      // The same function may be subscribed twice: each subscription is a function of its own.
      const subscription = (payload: never): void => {
        listener(payload);
      };
      those.add(subscription);
      return () => those.delete(subscription);
    },
    emit(event, ...payload) {
      for (const listener of listeners.get(event) ?? []) {
        try {
          (listener as (p: unknown) => void)(payload[0]);
        } catch (error) {
          problem(error);
        }
      }
    },
  };
}
