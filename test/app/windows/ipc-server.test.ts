import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { CALL_CHANNEL, isOwnPage, mayCall, serveIpc, type Sender } from '../../../app/windows/ipc-server.ts';
import { createDispatch } from '../../../main/control/dispatch.ts';
import { ok, type Result } from '../../../shared/result.ts';

const page = 'postcast://app/index.html?window=main';
function from(url: string, change: { parent?: unknown; id?: number; gone?: boolean } = {}): Sender {
  const frame = { url, parent: change.parent ?? null };
  return { sender: { id: change.id ?? 1 }, senderFrame: change.gone === true ? null : frame } as unknown as Sender;
}
const own = (id: number): boolean => id === 1;

describe('who may call', () => {
  it.each([
    ['the top frame of our window', from(page), true],
    ['a window that is not ours', from(page, { id: 2 }), false],
    ['a frame inside our page', from(page, { parent: {} }), false],
    ['a frame that is gone', from(page, { gone: true }), false],
    ['a page of the web', from('https://example.test/'), false],
    ['a file', from('file:///etc/passwd'), false],
    ['about:blank', from('about:blank'), false],
    ['a host that begins like ours', from('postcast://app.example.test/'), false],
    ['another host of our scheme', from('postcast://evil/'), false],
  ])('%s: %o', (_name, sender, expected) => {
    expect(mayCall(sender, own)).toBe(expected);
  });

  it.each([
    ['postcast://app', true],
    ['postcast://app/', true],
    ['postcast://apple/', false],
    ['POSTCAST://app/', false],
  ])('page %s is ours: %s', (url, expected) => expect(isOwnPage(url)).toBe(expected));
});

describe('a call over IPC', () => {
  const problems: string[] = [];
  const methods = {
    'add.one': { input: z.object({ n: z.number().int() }) },
    'it.breaks': { input: z.object({}).prefault({}) },
    'no.handler': { input: z.object({}) },
  };
  const dispatch = createDispatch(
    methods,
    {
      'add.one': async ({ n }: { n: number }) => ok(n + 1),
      'it.breaks': async () => {
        throw new Error('secret details');
      },
    },
    (event) => problems.push(event),
  );
  let heard: ((event: Sender, name: unknown, input: unknown) => Promise<Result<unknown>>) | undefined;
  serveIpc(
    {
      handle: (channel, listener) => {
        expect(channel).toBe(CALL_CHANNEL);
        heard = listener as never;
      },
    },
    dispatch,
    own,
    (event) => problems.push(event),
  );
  const call = (name: unknown, input: unknown, sender = from(page)): Promise<Result<unknown>> =>
    heard!(sender, name, input);

  it('is answered', async () => {
    expect(await call('add.one', { n: 1 })).toEqual({ ok: true, value: 2 });
  });

  it.each<[string, unknown, unknown, string, string?]>([
    ['an unknown name', 'nope', {}, 'unknown-method'],
    ['a name out of the prototype', 'toString', {}, 'unknown-method'],
    ['__proto__', '__proto__', {}, 'unknown-method'],
    ['no name', undefined, {}, 'unknown-method'],
    ['an object as name', { toString: 'add.one' }, {}, 'unknown-method'],
    ['a wrong input', 'add.one', { n: 'x' }, 'bad-input', 'n'],
    ['a list as input', 'add.one', [1], 'bad-input'],
    ['no input', 'add.one', null, 'bad-input', 'n'],
    ['what nobody does', 'no.handler', {}, 'unavailable'],
    ['a handler that throws', 'it.breaks', {}, 'internal'],
  ])('with %s is refused in words', async (_name, name, input, code, field) => {
    const result = await call(name, input);
    expect(result).toMatchObject({ ok: false, error: { code } });
    if (!result.ok) {
      expect(result.error.field).toBe(field);
      expect(JSON.stringify(result)).not.toContain('secret details');
    }
  });

  it('from a strange page is refused and noted', async () => {
    problems.length = 0;
    expect(await call('add.one', { n: 1 }, from('https://example.test/'))).toMatchObject({
      ok: false,
      error: { code: 'forbidden' },
    });
    expect(problems).toHaveLength(1);
  });
});
