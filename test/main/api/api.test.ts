import { expect, it } from 'vitest';
import { createApi, type ApiDeps } from '../../../main/api/api.ts';
import { StoreError } from '../../../main/queue/queue-store.ts';
import { SecretError } from '../../../main/secrets/secret-store.ts';

/** An API whose queue fails; nothing else of it is asked. */
function failing(error: Error) {
  const logged: [string, unknown][] = [];
  const api = createApi({
    store: { counts: async () => Promise.reject(error) },
    log: { problem: (event: string, trouble: unknown) => logged.push([event, trouble]) },
  } as unknown as ApiDeps);
  return { counts: async () => api['queue.folders']({}), logged };
}

it('a failure whose words send the user to the log is in the log', async () => {
  const bug = new TypeError('counts of undefined');
  const { counts, logged } = failing(bug);
  expect(await counts()).toMatchObject({ ok: false, error: { code: 'internal' } });
  expect(logged).toEqual([['call queue.folders', bug]]);
});

it.each([
  [new StoreError('other', 'UNIQUE constraint failed'), 'store-other', 1],
  [new StoreError('corrupt', 'page 7'), 'store-corrupt', 1],
  [new StoreError('full', 'no room'), 'store-full', 0],
  [new SecretError('locked', 'The key store is locked.'), 'secret-locked', 0],
])('%s: answered as %s', async (error, code, lines) => {
  const { counts, logged } = failing(error);
  expect(await counts()).toMatchObject({ ok: false, error: { code } });
  expect(logged).toHaveLength(lines);
});
