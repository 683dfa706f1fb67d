import { expect, it } from 'vitest';
import { dkimRecord, makeDkimKey } from '../../../../main/secrets/dkim/dkim.ts';
import { memorySecrets } from '../../../fakes/memory-secrets.ts';

it('a DKIM key that cannot be read now is not replaced: its record is published', async () => {
  const secrets = memorySecrets();
  const made = await makeDkimKey(secrets, 'home.test', 's1');
  expect(made.ok).toBe(true);
  const key = secrets.all.get('dkim:home.test:s1');
  const locked = { ...secrets, get: () => Promise.resolve(null) };
  expect(await makeDkimKey(locked, 'home.test', 's1')).toMatchObject({ ok: false, error: { code: 'key-unreadable' } });
  expect(await dkimRecord(locked, 'home.test', 's1')).toMatchObject({ ok: false, error: { code: 'key-unreadable' } });
  expect(secrets.all.get('dkim:home.test:s1')).toBe(key);
  expect(await makeDkimKey(secrets, 'home.test', 's1')).toEqual(made);
});
