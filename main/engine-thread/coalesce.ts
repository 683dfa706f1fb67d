/** Events to the windows and the tray, at most about four a second: the first at once, then the newest. */

/** Hands `send` the newest payload of each name, at most once every `intervalMs`. */
export function createCoalescer(
  send: (name: string, payload: unknown) => void,
  intervalMs: number,
  timers: { set(run: () => void, ms: number): unknown; clear(timer: never): void } = {
    set: (run, ms) => setTimeout(run, ms),
    clear: (timer) => clearTimeout(timer),
  },
): { readonly push: (name: string, payload: unknown) => void; readonly close: () => void } {
  const waiting = new Map<string, unknown>();
  const resting = new Map<string, unknown>();
  const rest = (name: string): void => {
    resting.set(
      name,
      timers.set(() => {
        resting.delete(name);
        if (!waiting.has(name)) return;
        const payload = waiting.get(name);
        waiting.delete(name);
        rest(name);
        send(name, payload);
      }, intervalMs),
    );
  };
  return {
    push: (name, payload) => {
      if (resting.has(name)) waiting.set(name, payload);
      else {
        rest(name);
        send(name, payload);
      }
    },
    close: () => {
      for (const timer of resting.values()) timers.clear(timer as never);
      resting.clear();
      waiting.clear();
    },
  };
}
