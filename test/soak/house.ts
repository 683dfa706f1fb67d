/**
 * What a soak runs on: the program, and the world around it. There are two: on the virtual clock in this process
 * (virtual-house.ts), and in real time with the program as a process of its own (real-house.ts).
 */
import type { EngineMethodName, Input, Output } from '../../shared/ipc-contract.ts';
import type { Settings } from '../../shared/settings.ts';
import type { DnsMood, Internet } from './internet.ts';
import type { Tolerances } from './ledger.ts';
import type { Mood, Witness } from './mail-server.ts';

/** A message that a mail program hands in. */
export interface Submission {
  readonly sender: string | null;
  readonly recipients: readonly {
    readonly address: string;
    readonly notify?: readonly ('never' | 'success' | 'failure' | 'delay')[] | undefined;
  }[];
  readonly text: string;
}

export type Submitted =
  | { readonly kind: 'accepted'; readonly id: string }
  | { readonly kind: 'refused'; readonly words: string }
  /** The program was gone before it answered. */
  | { readonly kind: 'unknown' };

/** The answer to a call; `gone`: the program died before it answered. */
export type Called<T> =
  | { readonly kind: 'answer'; readonly value: T }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'gone' };

/** The network that the laptop is on. */
export interface SoakNetwork {
  /** Null: none. */
  readonly name: string | null;
  readonly portal: boolean;
  /** A dial-up link is up beside it. */
  readonly dialUp: boolean;
}

export interface House {
  readonly internet: Internet;
  readonly tolerances: Tolerances;
  /** Mean time between two actions (ms). */
  readonly paceMs: number;
  /** Retry intervals that fit the pace (`connection.retryMinutes`). */
  readonly retryMinutes: readonly number[];
  /** With everything well, the queue is looked at this often (ms), sixty times at most, until it is empty. */
  readonly drainStepMs: number;
  /** Milliseconds since the soak began; never jumps. */
  now(): number;
  /** The time of day that the program sees. */
  wall(): number;
  /** Starts servers and program. The witness is told of everything from now on; `trouble` of what the program logs as such. */
  open(witness: Witness, trouble: (words: string) => void, settings: Settings): Promise<void>;
  /** Lets time go by. */
  pass(ms: number): Promise<void>;

  submit(submission: Submission): Promise<Submitted>;
  call<M extends EngineMethodName>(method: M, input: Input<M>): Promise<Called<Output<M>>>;
  /** The raw text of settings.json, and what somebody puts there by hand. The program has seen it when this resolves. */
  settingsText(): string;
  writeSettings(text: string): Promise<void>;

  serverMood(id: string): { readonly mood: Mood; readonly since: number };
  become(id: string, mood: Mood): void;
  resolver(mood: DnsMood): void;
  network(network: SoakNetwork): Promise<void>;
  /** The clock is set, or the computer slept for so long (ms). */
  jumpClock(ms: number): void;
  /** The system says that the computer woke up. */
  wakeUp(): Promise<void>;

  /**
   * Ends the program without a chance to say good-bye, a little later, in the middle of whatever it does then. Resolves when it
   * is dead.
   * @param moment 0 <= x < 1: when
   */
  kill(moment: number): Promise<void>;
  /** Ends it politely. */
  quit(): Promise<void>;
  /** Starts it anew on the same profile. */
  start(): Promise<void>;
  running(): boolean;
  close(): Promise<void>;
}
