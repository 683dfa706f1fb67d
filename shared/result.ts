/** Why a call could not be done, in a form that crosses IPC and the control socket. Never carries a secret. */
export interface Failure {
  /** Stable, machine-readable: 'bad-input', 'not-found', 'conflict', 'disk', 'internal', … */
  readonly code: string;
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
export function fail(code: string, message: string, field?: string): { readonly ok: false; readonly error: Failure } {
  return { ok: false, error: field === undefined ? { code, message } : { code, message, field } };
}

/** Ends a switch over a union: a new member becomes a type error at every switch that forgot it. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}
