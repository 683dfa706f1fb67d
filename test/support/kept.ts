/** Things that a test file opens and closes again at its end, whatever of them was reached. */
import { afterAll, afterEach } from 'vitest';

type Closable = { close(): unknown } | { remove(): unknown } | { stop(): unknown } | { end(): unknown };

function closing(): { readonly keep: <T extends Closable>(thing: T) => T; readonly closeAll: () => Promise<void> } {
  const kept: Closable[] = [];
  return {
    keep: (thing) => {
      kept.push(thing);
      return thing;
    },
    closeAll: async () => {
      for (const thing of kept.splice(0).reverse()) {
        if ('close' in thing) await thing.close();
        else if ('remove' in thing) await thing.remove();
        else if ('stop' in thing) await thing.stop();
        else await thing.end();
      }
    },
  };
}

/**
 * To be called where afterAll() may be: gives a function that hands back what it is given and closes it after the last
 * test of the suite, the last first. What a failed beforeAll() did not get to open is not closed either, so that its
 * failure is the one that is told.
 */
export function keepUntilEnd(): <T extends Closable>(thing: T) => T {
  const { keep, closeAll } = closing();
  afterAll(closeAll);
  return keep;
}

/** The same after each test. */
export function keepDuringTest(): <T extends Closable>(thing: T) => T {
  const { keep, closeAll } = closing();
  afterEach(closeAll);
  return keep;
}
