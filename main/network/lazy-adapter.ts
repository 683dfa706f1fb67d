/** An adapter that is loaded and started only when the event loop runs, so that the listener is bound before it. */
import type { NetworkAdapter } from './facts.ts';

/** @param load Loads and makes the real one; called once, in a later turn of the event loop. A rejection is one of every reading. */
export function createLazyAdapter(load: () => Promise<NetworkAdapter>): NetworkAdapter {
  let closed = false;
  const loading = new Promise<void>((resolve) => setImmediate(resolve)).then(load);
  // Told by the readings.
  loading.catch(() => undefined);

  /** Does it once the adapter is there, unless it was closed meanwhile. */
  const then = (run: (adapter: NetworkAdapter) => void): void => {
    loading.then(
      (adapter) => {
        if (!closed) run(adapter);
      },
      () => undefined,
    );
  };

  return {
    read: async () => (await loading).read(),
    watch(changed) {
      let stopped = false;
      let stop: (() => void) | null = null;
      then((adapter) => {
        if (!stopped) stop = adapter.watch(changed);
      });
      return () => {
        stopped = true;
        stop?.();
      };
    },
    provoke: (route) => then((adapter) => adapter.provoke(route)),
    async close() {
      closed = true;
      await loading.then((adapter) => adapter.close()).catch(() => undefined);
    },
  };
}
