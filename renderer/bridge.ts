/** How the windows reach the engine: the `Bridge` of the contract, passed down by context so that tests bring their own. */
import { createContext, useContext } from 'react';
import type { Bridge } from '../shared/ipc-contract.ts';

declare global {
  interface Window {
    readonly postcast?: Bridge;
  }
}

const BridgeContext = createContext<Bridge | null>(null);
export const BridgeProvider = BridgeContext.Provider;

/** The bridge of this window. @throws outside of a BridgeProvider: a mistake in the code */
export function useBridge(): Bridge {
  const bridge = useContext(BridgeContext);
  if (bridge === null) throw new Error('no bridge');
  return bridge;
}

/** Does not wait for a promise. Calls over the bridge answer with a Result; what still throws is reported as uncaught. */
export function fireAndForget(promise: Promise<unknown>): void {
  promise.catch((error: unknown) => {
    globalThis.reportError(error);
  });
}
