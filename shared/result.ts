/** What kind of failure it was: stable and machine-readable. */
export type FailureCode =
  /** The input cannot be read or is not allowed. */
  | 'bad-input'
  | 'too-long'
  /** There is no such message, gateway, attachment … (any more). */
  | 'not-found'
  /** A recipient is with a server at this moment. */
  | 'in-flight'
  /** A recipient has got it, or was replaced before. */
  | 'settled'
  /** The queue holds: nothing is tried. */
  | 'held'
  | 'key-unreadable'
  /** A file cannot be read or written. */
  | 'disk'
  | `store-${'full' | 'read-only' | 'corrupt' | 'busy' | 'closed' | 'other'}`
  | `secret-${'needs-consent' | 'locked' | 'unreadable' | 'write'}`
  /** The caller may not do this. */
  | 'forbidden'
  | 'unknown-method'
  /** It cannot be done here, or not now. */
  | 'unavailable'
  | 'connection-lost'
  /** The engine's thread ended and is being started again. */
  | 'engine-down'
  /** Of the command line: the program does not run, another user's does, the user has to agree first, anything else. */
  | 'not-running'
  | 'no-access'
  | 'needs-consent'
  | 'error'
  /** A fault of ours: the log has more. */
  | 'internal';

/** Why a call could not be done, in a form that crosses IPC and the control socket. Never carries a secret. */
export interface Failure {
  readonly code: FailureCode;
  /** A plain sentence for the user. */
  readonly message: string;
  /** Dotted path of the field that is at fault, if one is. */
  readonly field?: string;
}

/** Results, not exceptions, cross IPC and the control socket. */
export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Failure };

/** Wraps a value that was obtained. */
export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

/** Wraps a failure. */
export function fail(
  code: FailureCode,
  message: string,
  field?: string,
): { readonly ok: false; readonly error: Failure } {
  return { ok: false, error: field === undefined ? { code, message } : { code, message, field } };
}

/** Ends a switch over a union: a new member becomes a type error at every switch that forgot it. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}
