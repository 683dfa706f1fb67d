/**
 * Sign-ins on their way to a check. One password is checked at a time: scrypt runs in the threads that file system calls
 * need as well, and is slow on purpose. How late a check comes after failures is decided in policy/sign-in-pace.ts.
 */
import type { Clock } from '../runtime/clock.ts';
import {
  SIGN_IN_WAIT_MS,
  nextCheckAt,
  noteFailure,
  signInKeys,
  type Failures,
  type PaceKey,
} from '../policy/sign-in-pace.ts';

/** Most sign-ins that wait, in all and of one name at one address: a mail program may sign in on many connections at once. */
const MAX_WAITING = 200;
const MAX_WAITING_OF_PAIR = 50;
/** Keys of failures, and pairs that signed in, that are remembered; the oldest are forgotten. */
const MAX_REMEMBERED = 5_000;

/** `slow-down`: not checked, too many failed before. `busy`: not checked, too many wait. */
export type SignInAnswer = 'right' | 'wrong' | 'slow-down' | 'busy';

export interface SignInAttempt {
  readonly address: string;
  readonly name: string;
  readonly password: string;
  /** The connection that it comes over. */
  readonly connection: string;
}

export interface SignInQueue {
  /** Rejects as the check does; that is no failure of the client's. */
  check(attempt: SignInAttempt): Promise<SignInAnswer>;
  /** The connection is closed: its sign-ins are forgotten. */
  left(connection: string): void;
  /** Sign-ins that wait are answered `busy`, and none is checked any more. */
  close(): void;
}

interface Waiting {
  readonly attempt: SignInAttempt;
  readonly keys: readonly [PaceKey, ...PaceKey[]];
  readonly deadline: number;
  readonly resolve: (answer: SignInAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** Checks one password; rejects if that cannot be done. */
type CheckPassword = (name: string, password: string) => Promise<boolean>;

interface QueueState {
  readonly clock: Pick<Clock, 'monotonic' | 'after'>;
  readonly checkPassword: CheckPassword;
  readonly failures: RecentMap<Failures>;
  /** Pairs of address and name that have signed in. */
  readonly proven: RecentMap<true>;
  waiting: readonly Waiting[];
  checking: boolean;
  closed: boolean;
  cancelTimer: (() => void) | null;
}

export function createSignInQueue(
  clock: Pick<Clock, 'monotonic' | 'after'>,
  checkPassword: CheckPassword,
): SignInQueue {
  const queue: QueueState = {
    clock,
    checkPassword,
    failures: createRecent(MAX_REMEMBERED),
    proven: createRecent(MAX_REMEMBERED),
    waiting: [],
    checking: false,
    closed: false,
    cancelTimer: null,
  };
  return {
    check(attempt) {
      const now = clock.monotonic();
      const [pair] = signInKeys(attempt.address, attempt.name, true);
      const keys = signInKeys(attempt.address, attempt.name, queue.proven.get(pair.key) === true);
      const refused = refusalOf(queue, keys, now);
      if (refused !== null) return Promise.resolve(refused);
      return new Promise((resolve, reject) => {
        const next: Waiting = { attempt, keys, deadline: now + SIGN_IN_WAIT_MS, resolve, reject };
        queue.waiting = [...queue.waiting, next];
        beginNext(queue);
      });
    },
    left(connection) {
      queue.waiting = queue.waiting.filter(({ attempt }) => attempt.connection !== connection);
      beginNext(queue);
    },
    close() {
      queue.closed = true;
      queue.cancelTimer?.();
      const { waiting } = queue;
      queue.waiting = [];
      for (const { resolve } of waiting) resolve('busy');
    },
  };
}

/** Why a sign-in cannot even wait; null: it can. */
function refusalOf(queue: QueueState, keys: Waiting['keys'], now: number): SignInAnswer | null {
  const at = earliest(queue, keys);
  if (at - now > SIGN_IN_WAIT_MS) return 'slow-down';
  const same = queue.waiting.filter((each) => each.keys[0].key === keys[0].key).length;
  // Of those that are being slowed down one waits: the others would be too late anyway, and fill the queue.
  if (same >= (at > now ? 1 : MAX_WAITING_OF_PAIR)) return 'slow-down';
  return queue.closed || queue.waiting.length >= MAX_WAITING ? 'busy' : null;
}

/** When the check may begin (monotonic ms). */
function earliest({ failures }: QueueState, keys: readonly PaceKey[]): number {
  return Math.max(...keys.map(({ key, rule }) => nextCheckAt(failures.get(key), rule)));
}

/** Begins the first check that may begin, or sets the timer for it. */
function beginNext(queue: QueueState): void {
  queue.cancelTimer?.();
  queue.cancelTimer = null;
  refuseLate(queue);
  const { waiting, clock } = queue;
  if (queue.checking || waiting.length === 0) return;
  const now = clock.monotonic();
  const next = waiting.find(({ keys }) => earliest(queue, keys) <= now);
  if (next) {
    queue.waiting = waiting.filter((each) => each !== next);
    void check(queue, next);
    return;
  }
  const first = Math.min(...waiting.map(({ keys }) => earliest(queue, keys)));
  queue.cancelTimer = clock.after(first - now, () => {
    beginNext(queue);
  });
}

/** Those that would wait too long, now that others failed. */
function refuseLate(queue: QueueState): void {
  const late = queue.waiting.filter(({ keys, deadline }) => earliest(queue, keys) > deadline);
  queue.waiting = queue.waiting.filter((each) => !late.includes(each));
  for (const { resolve } of late) resolve('slow-down');
}

async function check(queue: QueueState, next: Waiting): Promise<void> {
  queue.checking = true;
  try {
    const right = await queue.checkPassword(next.attempt.name, next.attempt.password);
    note(queue, next, right);
    next.resolve(right ? 'right' : 'wrong');
  } catch (error) {
    next.reject(error);
  } finally {
    queue.checking = false;
    beginNext(queue);
  }
}

function note({ failures, proven, clock }: QueueState, { keys: [pair, ...others] }: Waiting, right: boolean): void {
  if (right) {
    failures.delete(pair.key);
    proven.set(pair.key, true);
    return;
  }
  const now = clock.monotonic();
  for (const { key, rule } of [pair, ...others]) failures.set(key, noteFailure(failures.get(key), rule, now));
}

/** A map that forgets what was set longest ago. */
interface RecentMap<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  delete(key: string): void;
}

/** @param most entries */
function createRecent<T>(most: number): RecentMap<T> {
  const all = new Map<string, T>();
  return {
    get: (key) => all.get(key),
    set(key, value) {
      all.delete(key);
      all.set(key, value);
      if (all.size <= most) return;
      for (const oldest of all.keys()) {
        all.delete(oldest);
        return;
      }
    },
    delete: (key) => {
      all.delete(key);
    },
  };
}
