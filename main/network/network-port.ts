/** The network and dial-up connections as scheduler and program see them. */
import type { NetworkState } from '../../shared/status.ts';

export interface NetworkMonitor {
  current(): NetworkState;
  /** Debounced: once per settled change. Returns its unsubscribe. */
  watch(listener: (state: NetworkState) => void): () => void;
  /** Reads again: during a sleep links may have changed unseen, and another gateway may have taken the place of one. */
  refresh(): void;
  close(): Promise<void>;
}

export interface DialUp {
  /** Connections that the system knows and could dial. */
  configured(): Promise<readonly string[]>;
  dial(name: string, signal: AbortSignal): Promise<{ readonly ok: boolean; readonly detail: string }>;
  hangUp(name: string, signal: AbortSignal): Promise<{ readonly ok: boolean; readonly detail: string }>;
}
