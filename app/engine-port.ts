/** What the shell needs of a running engine besides the calls of the contract. app/compose.ts adapts the real one. */
import type { EngineApi, Events } from '../shared/ipc-contract.ts';
import type { Result } from '../shared/result.ts';
import type { AppStatus } from '../shared/status.ts';

/** Events that come from the engine; the window:… ones are the shell's own. */
export type EngineEvents = Pick<Events, 'queue:changed' | 'status:changed' | 'settings:changed' | 'gateways:changed'>;

/** A message whose folder became Bad or Bounced just now. */
export interface FailedMessage {
  readonly id: string;
  readonly folder: 'bad' | 'bounced';
  readonly subject: string;
  /** First recipient that failed. */
  readonly to: string;
  /** Some recipient that failed may have got it all the same. */
  readonly mayHaveArrived: boolean;
  /** The server's words, one line, or null. */
  readonly words: string | null;
}

/** The engine, running. */
export interface RunningEngine {
  readonly api: EngineApi;
  /** The newest status; cheap, as often as wanted. */
  status(): AppStatus;
  /** Subscribes; returns its unsubscribe. The engine may call as often as it likes: the shell coalesces. */
  on<E extends keyof EngineEvents>(event: E, listener: (payload: EngineEvents[E]) => void): () => void;
  /** One attachment of a message, decoded. `index` as in queue.preview. */
  attachment(id: string, index: number): Promise<Result<{ readonly name: string; readonly bytes: Uint8Array }>>;
  onFailed(listener: (message: FailedMessage) => void): () => void;
  /** The computer is about to sleep, or woke up. May come twice. */
  suspended(): void;
  resumed(): void;
  /**
   * Accepts nothing more, lets what is in flight finish or gives it back, closes the store. Resolves within about
   * `graceMs`; never rejects.
   */
  stop(graceMs: number): Promise<void>;
}
