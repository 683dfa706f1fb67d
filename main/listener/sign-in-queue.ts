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

/** Sign-ins that wait, in all and of one name at one address: many connections of a mail program may sign in at once. */
const MAX_WAITING = 200;
const MAX_WAITING_OF_PAIR = 50;
/** Keys of failures, and pairs that signed in, that are remembered; the oldest go. */
const MAX_REMEMBERED = 5_000;

/** `slow-down`: not checked, too many failed before. `busy`: not checked, too many wait. */
export type SignInAnswer = 'right' | 'wrong' | 'slow-down' | 'busy';

export interface SignInAttempt {
  readonly address: string;
  readonly name: string;
  readonly password: string;
  /** Which connection asks. */
  readonly connection: string;
}

export interface SignInQueue {
  /** Rejects as the check does; that is no failure of the client's. */
  check(attempt: SignInAttempt): Promise<SignInAnswer>;
  /** The connection is gone: what waits for it is forgotten. */
  left(connection: string): void;
  /** What waits is answered `busy`, and nothing is checked any more. */
  close(): void;
}

interface Waiting {
  readonly attempt: SignInAttempt;
  readonly keys: readonly [PaceKey, ...PaceKey[]];
  readonly deadline: number;
  readonly resolve: (answer: SignInAnswer) => void;
  readonly reject: (error: unknown) => void;
}

export function createSignInQueue(
  clock: Pick<Clock, 'monotonic' | 'after'>,
  isRight: (name: string, password: string) => Promise<boolean>,
): SignInQueue {
  const failures = createRecent<Failures>(MAX_REMEMBERED);
  const proven = createRecent<true>(MAX_REMEMBERED);
  let waiting: Waiting[] = [];
  let checking = false;
  let closed = false;
  let cancelLook: (() => void) | null = null;

  const earliest = (keys: readonly PaceKey[]): number =>
    Math.max(...keys.map(({ key, rule }) => nextCheckAt(failures.get(key), rule)));

  const note = ({ keys: [pair, ...others] }: Waiting, right: boolean): void => {
    if (right) {
      failures.delete(pair.key);
      proven.set(pair.key, true);
      return;
    }
    const now = clock.monotonic();
    for (const { key, rule } of [pair, ...others]) failures.set(key, noteFailure(failures.get(key), rule, now));
  };

  const run = async (next: Waiting): Promise<void> => {
    checking = true;
    try {
      const right = await isRight(next.attempt.name, next.attempt.password);
      note(next, right);
      next.resolve(right ? 'right' : 'wrong');
    } catch (error) {
      next.reject(error);
    } finally {
      checking = false;
      look();
    }
  };

  /** Those that would wait too long, now that others failed, are told so. */
  const dismiss = (): void => {
    const late = waiting.filter(({ keys, deadline }) => earliest(keys) > deadline);
    waiting = waiting.filter((each) => !late.includes(each));
    for (const { resolve } of late) resolve('slow-down');
  };

  /** Begins the first check that may begin, or sets the timer for it. */
  function look(): void {
    cancelLook?.();
    cancelLook = null;
    dismiss();
    if (checking || waiting.length === 0) return;
    const now = clock.monotonic();
    const first = waiting.findIndex(({ keys }) => earliest(keys) <= now);
    const [next] = first < 0 ? [] : waiting.splice(first, 1);
    if (next !== undefined) void run(next);
    else cancelLook = clock.after(Math.min(...waiting.map(({ keys }) => earliest(keys))) - now, look);
  }

  /** Why it cannot even wait; null: it can. */
  const turnedAway = ([pair, ...others]: Waiting['keys'], now: number): SignInAnswer | null => {
    const at = earliest([pair, ...others]);
    if (at - now > SIGN_IN_WAIT_MS) return 'slow-down';
    const same = waiting.filter(({ keys }) => keys[0].key === pair.key).length;
    // Of those that are being slowed down one waits: the others would be too late anyway, and fill the line.
    if (same >= (at > now ? 1 : MAX_WAITING_OF_PAIR)) return 'slow-down';
    return closed || waiting.length >= MAX_WAITING ? 'busy' : null;
  };

  return {
    check(attempt) {
      const now = clock.monotonic();
      const [pair] = signInKeys(attempt.address, attempt.name, true);
      const keys = signInKeys(attempt.address, attempt.name, proven.get(pair.key) === true);
      const answer = turnedAway(keys, now);
      if (answer !== null) return Promise.resolve(answer);
      return new Promise((resolve, reject) => {
        waiting.push({ attempt, keys, deadline: now + SIGN_IN_WAIT_MS, resolve, reject });
        look();
      });
    },
    left(connection) {
      waiting = waiting.filter(({ attempt }) => attempt.connection !== connection);
      look();
    },
    close() {
      closed = true;
      cancelLook?.();
      for (const { resolve } of waiting.splice(0)) resolve('busy');
    },
  };
}

/** A map that forgets what was set longest ago when there are more than `most`. */
function createRecent<T>(most: number): {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  delete(key: string): void;
} {
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
