import { describe, expect, it } from 'vitest';
import { exportSettings, importSettings } from '../../../main/settings/export-settings.ts';
import { defaultSettings, settingsSchema } from '../../../shared/settings.ts';

const settings = settingsSchema.parse({
  server: { users: [{ name: 'ann', hash: 'scrypt$hash' }] },
  gateways: { mode: 'always', list: [{ id: 'a', name: 'A', host: 'a.test', password: 'hunter2', accessToken: 'tok' }] },
  later: { apiSecret: 's3cret', colour: 'blue' },
});

describe('exported settings', () => {
  it('hold no hash, password, token or secret', () => {
    const text = exportSettings(settings);
    for (const secret of ['scrypt$hash', 'hunter2', 'tok"', 's3cret']) expect(text).not.toContain(secret);
    expect(text).toContain('"ann"');
    expect(text).toContain('"blue"');
  });

  it('come back as they were, with the hashes that are known here', () => {
    const read = importSettings(exportSettings(settings), settings);
    expect(read).toMatchObject({
      ok: true,
      next: { server: { users: [{ name: 'ann', hash: 'scrypt$hash' }] }, gateways: { mode: 'always' } },
    });
  });

  it('never bring a hash along: a planted one is ignored', () => {
    const text = JSON.stringify({ server: { users: [{ name: 'eve', hash: 'scrypt$known-password' }] } });
    expect(importSettings(text, defaultSettings())).toMatchObject({
      ok: true,
      next: { server: { users: [{ name: 'eve', hash: '' }] } },
    });
  });

  it.each([
    ['no JSON', '<html>'],
    ['a list', '[]'],
    ['a wrong value', '{"server":{"port":"x"}}'],
    ['users that are none', '{"server":{"users":[7]}}'],
  ])('are refused with the reason: %s', (_name, text) => {
    const read = importSettings(text, defaultSettings());
    expect(read.ok).toBe(false);
    expect(!read.ok && read.problems.length).toBeGreaterThan(0);
  });
});
