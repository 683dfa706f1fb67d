/**
 * What travels between Electron's main thread and the engine's thread: all of it, in both directions. Structured-clone data
 * only. Calls are those of the contract (shared/ipc-contract.ts), by name, with their input as the caller wrote it: it is
 * parsed where it arrives.
 */
import type { Events } from '../../shared/ipc-contract.ts';
import type { Result } from '../../shared/result.ts';
import type { Settings } from '../../shared/settings.ts';
import type { AppStatus } from '../../shared/status.ts';
import type { FailedMessage } from '../program/program.ts';
import type { KeyStoreState } from '../secrets/key-store.ts';

/** The events of the contract that the engine tells; the window:… ones are the shell's own. */
export type EngineEvents = Pick<Events, 'queue:changed' | 'status:changed' | 'settings:changed' | 'gateways:changed'>;

/** How the engine's thread ended before this one was started. */
export interface EngineRestart {
  /** How often since the program started. */
  readonly count: number;
}

/** What an engine is started with. */
export interface EngineStart {
  /** The profile folder, its real path. */
  readonly profile: string;
  readonly version: string;
  /** URLs of the built threads. */
  readonly workers: { readonly store: string; readonly preview: string };
  /** Null: it is the first one. */
  readonly restart: EngineRestart | null;
  /** Null: not known yet. */
  readonly keyStore: KeyStoreState | null;
}

/** The settings that the shell itself goes by. */
export type ShellSettings = Settings['general'];

/** One attachment, decoded. */
export interface Attachment {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What the main thread wants of the engine, and what it gets; `n` pairs the two. */
export type EngineRequest =
  | { readonly kind: 'call'; readonly name: string; readonly input: unknown }
  /** `index` as in queue.preview. */
  | { readonly kind: 'attachment'; readonly id: string; readonly index: number }
  /** Ends the engine; answered once the queue is closed. */
  | { readonly kind: 'stop'; readonly graceMs: number }
  /** Answered as soon as the thread gets to it: it is alive. */
  | { readonly kind: 'ping' };

/** Main thread to engine. */
export type ToEngine =
  /** The first word, said once. */
  | { readonly kind: 'start'; readonly start: EngineStart }
  | { readonly kind: 'request'; readonly n: number; readonly request: EngineRequest }
  | { readonly kind: 'suspended' | 'resumed' }
  | { readonly kind: 'key-store'; readonly state: KeyStoreState }
  | { readonly kind: 'answer'; readonly n: number; readonly answer: Answer };

/** What only the main thread can do for the engine. */
export type HostRequest =
  | { readonly kind: 'encrypt'; readonly text: string; readonly allowPlain: boolean }
  | { readonly kind: 'decrypt'; readonly data: string; readonly obfuscated: boolean }
  | { readonly kind: 'open-external'; readonly url: string }
  /** The whole of settings.json; answered once it is on disk. */
  | { readonly kind: 'write-settings'; readonly stored: Readonly<Record<string, unknown>> };

/** An answer to a request; `message` never holds a secret. */
export type Answer = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly message: string };

/** Engine to main thread. */
export type FromEngine =
  /** The answer to 'start': mail is accepted, or it is clear why not. */
  | { readonly kind: 'started'; readonly status: AppStatus; readonly settings: ShellSettings }
  /** The answer to 'start': there is no way to keep mail. The thread ends. */
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'answer'; readonly n: number; readonly answer: Answer }
  | { readonly kind: 'event'; readonly name: keyof EngineEvents; readonly payload: EngineEvents[keyof EngineEvents] }
  | { readonly kind: 'settings'; readonly settings: ShellSettings }
  | { readonly kind: 'failed'; readonly message: FailedMessage }
  | { readonly kind: 'request'; readonly n: number; readonly request: HostRequest }
  /** The user or the command line wants the program to end. */
  | { readonly kind: 'quit' };

/** What each request is answered with. */
export interface EngineAnswers {
  readonly call: Result<unknown>;
  readonly attachment: Result<Attachment>;
  readonly stop: null;
  readonly ping: null;
}
export interface HostAnswers {
  readonly encrypt: { readonly state: KeyStoreState; readonly data: string | null };
  readonly decrypt: { readonly state: KeyStoreState; readonly text: string | null };
  readonly 'open-external': null;
  readonly 'write-settings': null;
}
