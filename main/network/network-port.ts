/** What the engine hears of the network and of dial-up connections. */
import type { NetworkState } from '../../shared/status.ts';

export interface NetworkMonitor {
  current(): NetworkState;
  /** Debounced: once per settled change. Returns its unsubscribe. */
  watch(listener: (state: NetworkState) => void): () => void;
  /** Looks afresh: after a sleep links may have changed unseen, and another gateway may stand where one stood. */
  refresh(): void;
  close(): Promise<void>;
}

export interface DialUp {
  /** Connections that the system knows and could dial. */
  configured(): Promise<readonly string[]>;
  dial(name: string, signal: AbortSignal): Promise<{ readonly ok: boolean; readonly detail: string }>;
  hangUp(name: string, signal: AbortSignal): Promise<{ readonly ok: boolean; readonly detail: string }>;
}
