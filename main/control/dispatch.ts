/** From an untrusted call to a Result: name looked up, input parsed, handler called; nothing is thrown across. */
import type { Method } from '../../shared/ipc-contract.ts';
import { fail, type Result } from '../../shared/result.ts';
import type * as z from 'zod';

/** Which calls there are, as in shared/ipc-contract.ts. */
export type MethodTable = Readonly<Record<string, Method<z.ZodType, unknown>>>;
/** What does them. */
export type HandlerTable = Readonly<Record<string, (input: never) => Promise<Result<unknown>>>>;

/** Takes a name and an input from outside and answers with a Result, always. */
export type Dispatch = (name: unknown, input: unknown) => Promise<Result<unknown>>;

/**
 * `problem` is told of every exception of a handler; the caller of the method gets 'internal' and no details, which could
 * hold what is none of its business.
 */
export function createDispatch(
  methods: MethodTable,
  handlers: HandlerTable,
  problem: (event: string, error: unknown) => void,
): Dispatch {
  return async (name, input) => {
    if (typeof name !== 'string' || !Object.hasOwn(methods, name))
      return fail('unknown-method', 'There is no such call.');
    const method = methods[name];
    const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined;
    if (method === undefined || handler === undefined) return fail('unavailable', 'This cannot be done here.');
    try {
      const parsed = await method.input.safeParseAsync(input ?? {});
      if (!parsed.success) {
        const issue = parsed.error.issues[0];
        const field = issue?.path.join('.') ?? '';
        return fail('bad-input', issue?.message ?? 'Not understood.', field === '' ? undefined : field);
      }
      return await handler(parsed.data as never);
    } catch (error) {
      problem(`call ${name}`, error);
      return fail('internal', 'Something went wrong inside the program; its log says what.');
    }
  };
}
