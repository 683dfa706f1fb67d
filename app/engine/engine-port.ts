/** What the shell needs of a running engine besides the calls of the contract. app/engine/engine-host.ts is the real one. */
import type { EngineApi } from '../../shared/ipc-contract.ts';
import type { Result } from '../../shared/result.ts';
import type { AppStatus } from '../../shared/status.ts';
import type { Attachment, EngineEvents, ShellSettings } from '../../main/engine-thread/protocol.ts';
import type { FailedMessage } from '../../main/program/program.ts';

export type { EngineEvents, FailedMessage, ShellSettings };

/** The engine, running, or being started again. */
export interface RunningEngine {
  /** While the engine is being started again every call answers with the code `engine-down`. */
  readonly api: EngineApi;
  /** The same for a name and an input that nobody has looked at yet. */
  call(name: string, input: unknown): Promise<Result<unknown>>;
  /** The newest status that was told; cheap, as often as wanted. */
  status(): AppStatus;
  /** Subscribes; returns its unsubscribe. About four times a second at most. */
  on<E extends keyof EngineEvents>(event: E, listener: (payload: EngineEvents[E]) => void): () => void;
  /** The settings that the shell itself goes by. */
  settings(): ShellSettings;
  onSettings(listener: (settings: ShellSettings) => void): () => void;
  /** One attachment of a message, decoded. `index` as in queue.preview. */
  attachment(id: string, index: number): Promise<Result<Attachment>>;
  onFailed(listener: (message: FailedMessage) => void): () => void;
  /** The computer is about to sleep, or woke up. May come twice. */
  suspended(): void;
  resumed(): void;
}
