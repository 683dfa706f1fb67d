import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSettingsFile, type SettingsFile } from '../../../main/settings/settings-file.ts';
import { applyChanges } from '../../../main/settings/apply-changes.ts';
import { settingsHold } from '../../../main/settings/read-settings.ts';
import { defaultSettings, type Settings } from '../../../shared/settings.ts';

let profile: string;
let file: string;
const notes: string[] = [];
const WAIT = { timeout: 30_000 };
let opened: SettingsFile[] = [];

beforeEach(async () => {
  profile = await mkdtemp(path.join(tmpdir(), 'pc-settings-'));
  file = path.join(profile, 'settings.json');
  notes.length = 0;
});
afterEach(async () => {
  for (const settings of opened) settings.close();
  opened = [];
  await rm(profile, { recursive: true, force: true });
});

function open(): SettingsFile {
  const settings = openSettingsFile({
    profile,
    now: () => Date.UTC(2026, 10, 23, 10, 0),
    note: (event) => notes.push(event),
  });
  opened.push(settings);
  return settings;
}
const aside = async (): Promise<string[]> =>
  (await readdir(profile)).filter((name) => name.includes('.broken-')).sort();

describe('settings.json', () => {
  it('is not written by reading it', async () => {
    await writeFile(file, '{"server":{"port":2600}}');
    const settings = open();
    expect(settings.get().server.port).toBe(2600);
    expect(await readFile(file, 'utf8')).toBe('{"server":{"port":2600}}');
    expect(settings.setAside).toBeNull();
  });

  it('is saved whole and valid, keeps unknown keys, and tells', async () => {
    await writeFile(file, '{"server":{"port":2600,"odd":1},"later":[1]}');
    const settings = open();
    const told: number[] = [];
    settings.onChange((next) => told.push(next.server.port));
    const done = await settings.replace({ ...settings.get(), server: { ...settings.get().server, port: 2700 } });
    expect(done).toMatchObject({ ok: true, settings: { server: { port: 2700, odd: 1 }, later: [1] } });
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ server: { port: 2700, odd: 1 }, later: [1] });
    expect(told).toEqual([2700]);
    expect(await aside()).toEqual([]);
  });

  it('is not touched by anything invalid', async () => {
    const settings = open();
    expect(await settings.replace({ server: { port: 'x' } })).toMatchObject({
      ok: false,
      problems: [{ path: 'server.port' }],
    });
    expect(existsSync(file)).toBe(false);
    expect(settings.get()).toEqual(defaultSettings());
  });

  it('is set aside when broken; defaults hold, and the next save does not overwrite what was there', async () => {
    await writeFile(file, '<html>log in</html>');
    const settings = open();
    expect(settings.get()).toMatchObject(defaultSettings());
    expect(settings.message).toContain('not JSON');
    expect(await aside()).toEqual([path.basename(settings.setAside ?? '')]);
    await settings.replace(defaultSettings());
    expect(await readFile(settings.setAside ?? '', 'utf8')).toBe('<html>log in</html>');
  });

  it('leaves a copy behind before wrong values are lost to a save', async () => {
    const text = '{"server":{"port":"x"},"general":{"keepSent":5}}';
    await writeFile(file, text);
    const settings = open();
    expect(settings.problems).toMatchObject([{ path: 'server.port' }]);
    expect(settings.get().general.keepSent).toBe(5);
    expect(await aside()).toEqual([]);
    await settings.replace(settings.get());
    const [copy] = await aside();
    expect(await readFile(path.join(profile, copy ?? ''), 'utf8')).toBe(text);
    await settings.replace(settings.get());
    expect(await aside()).toHaveLength(1);
  });

  it('changed by hand while the program runs is taken over', async () => {
    const settings = open();
    await settings.watch();
    const told: number[] = [];
    settings.onChange((next) => told.push(next.server.port));
    writeFileSync(file, '{"server":{"port":2800}}');
    await expect.poll(() => told, WAIT).toEqual([2800]);
    expect(settings.get().server.port).toBe(2800);
    // What we save ourselves is no change by hand: only the next one by hand is told after it.
    await settings.replace({ ...settings.get(), server: { ...settings.get().server, port: 2801 } });
    writeFileSync(`${file}.new`, '{"server":{"port":2802}}');
    renameSync(`${file}.new`, file);
    await expect.poll(() => told, WAIT).toEqual([2800, 2801, 2802]);
    expect(await aside()).toEqual([]);
  });

  it('broken by hand while the program runs changes nothing, and is kept at the next save', async () => {
    await writeFile(file, '{"server":{"port":2600}}');
    const settings = open();
    await settings.watch();
    writeFileSync(file, '{"server":{"po');
    await expect.poll(() => notes, WAIT).toHaveLength(1);
    expect(settings.get().server.port).toBe(2600);
    await settings.replace(settings.get());
    const [copy] = await aside();
    expect(await readFile(path.join(profile, copy ?? ''), 'utf8')).toBe('{"server":{"po');
  });

  it('changed by hand just before a save is not overwritten unseen', async () => {
    await writeFile(file, '{"server":{"port":2600}}');
    const settings = open();
    await writeFile(file, '{"server":{"port":2900}}');
    await settings.replace({ ...settings.get(), later: true });
    const [copy] = await aside();
    expect(await readFile(path.join(profile, copy ?? ''), 'utf8')).toBe('{"server":{"port":2900}}');
  });

  it('takes saves one after another', async () => {
    const settings = open();
    const told: number[] = [];
    settings.onChange((next) => told.push(next.server.port));
    const saves = [2601, 2602, 2603].map((port) => settings.replace({ server: { port } }));
    await Promise.all(saves);
    expect(settings.get().server.port).toBe(2603);
    expect(told).toEqual([2601, 2602, 2603]);
  });

  it.each<[what: string, text: string | null, whole: boolean]>([
    ['good ones', '{"server":{"port":2600}}', true],
    ['none', null, false],
    ['one wrong value', '{"server":{"port":"x"}}', false],
    ['broken ones', '{"server"', false],
  ])('is said to be as the user left it, or not: %s', async (_, text, whole) => {
    if (text !== null) await writeFile(file, text);
    expect(open().whole).toBe(whole);
  });

  describe('with a value that cannot be read', () => {
    const text = JSON.stringify({
      gateways: { mode: 'allways', domains: ['a.test', 7] },
      server: { host: ['0.0.0.0'], requireAuth: 'perhaps' },
      general: { keepSent: 5 },
    });
    const onDisk = (): Record<string, Record<string, unknown>> =>
      JSON.parse(readFileSync(file, 'utf8')) as Record<string, Record<string, unknown>>;
    const set = async (settings: SettingsFile, path: string, value: unknown): Promise<void> => {
      const changed = applyChanges(settings.get(), [{ path, value }]);
      expect(changed.ok && (await settings.replace(changed.next, [path])).ok).toBe(true);
    };

    it('holds, and a change of something else leaves it as it was written', async () => {
      await writeFile(file, text);
      const settings = open();
      expect(settingsHold(settings)).toBe(true);
      expect(settings.get().server.host).toEqual(['127.0.0.1', '::1']);
      await set(settings, 'general.theme', 'dark');
      expect(settings.get().general.theme).toBe('dark');
      for (const now of [settings, open()]) {
        expect(now.problems.map(({ path }) => path)).toEqual([
          'server.requireAuth',
          'gateways.mode',
          'gateways.domains.1',
        ]);
        expect(now.get().gateways).toMatchObject({ mode: 'always', domains: ['a.test', '*'] });
      }
      expect(onDisk()).toMatchObject({
        gateways: { mode: 'allways', domains: ['a.test', 7] },
        server: { host: ['0.0.0.0'], requireAuth: 'perhaps' },
      });
    });

    it('is decided about by setting just that, even to what stands there already', async () => {
      await writeFile(file, text);
      const settings = open();
      await set(settings, 'gateways.mode', 'always');
      expect(onDisk()['gateways']?.['mode']).toBe('always');
      expect(settings.problems.map(({ path }) => path)).toEqual(['server.requireAuth', 'gateways.domains.1']);
      await set(settings, 'gateways.domains', ['a.test']);
      await set(settings, 'server.requireAuth', true);
      expect(settingsHold(settings)).toBe(false);
      // It listens where it listened.
      expect(settings.get().server.host).toEqual(['0.0.0.0']);
    });

    it('is decided about as a whole by going on, which writes what stands there', async () => {
      await writeFile(file, text);
      const settings = open();
      await settings.replace(settings.get());
      expect(settingsHold(settings)).toBe(false);
      expect(onDisk()).toMatchObject({
        gateways: { mode: 'always', domains: ['a.test', '*'] },
        server: { host: ['127.0.0.1', '::1'], requireAuth: true },
      });
      expect(settingsHold(open())).toBe(false);
    });

    it('a gateway is decided about by changing or removing it, not by moving it about', async () => {
      const good = { id: 'good', name: 'Good', host: 'good.test' };
      const odd = { id: 'odd', name: 'Odd', host: 'odd.test', networks: 7 };
      await writeFile(file, JSON.stringify({ gateways: { mode: 'always', list: [good, odd, 'lost'] } }));
      const settings = open();
      const list = (): Settings['gateways']['list'] => settings.get().gateways.list;
      expect(list().map((g) => [g.id, g.enabled])).toEqual([
        ['good', true],
        ['odd', false],
      ]);
      await set(settings, 'gateways.list', [...list()].reverse());
      expect(onDisk()['gateways']?.['list']).toMatchObject([odd, good, 'lost']);
      expect(settings.problems.map(({ path }) => path)).toEqual(['gateways.list.0.networks', 'gateways.list.2']);
      await set(settings, 'gateways.list.odd.enabled', true);
      expect(settings.problems.map(({ path }) => path)).toEqual(['gateways.list.2']);
      expect(list()[0]).toMatchObject({ id: 'odd', enabled: true, networks: [] });
    });

    it('put right by hand while the program runs is told', async () => {
      await writeFile(file, text);
      const settings = open();
      await settings.watch();
      const told: boolean[] = [];
      settings.onChange(() => told.push(settingsHold(settings)));
      writeFileSync(file, JSON.stringify({ gateways: { mode: 'Always' } }));
      await expect.poll(() => told, WAIT).toEqual([false]);
      writeFileSync(file, text);
      await expect.poll(() => told, WAIT).toEqual([false, true]);
    });
  });

  describe('that cannot be read at all', () => {
    it('is not forgotten with a restart, nor by a change of something; going on ends it', async () => {
      await writeFile(file, '{"gateways":{"mode":"alw');
      const { undecided } = open();
      expect(undecided).toMatch(/^settings\.json\.broken-/);
      const again = open();
      expect([again.undecided, settingsHold(again)]).toEqual([undecided, true]);
      await again.replace({ ...again.get(), general: { ...again.get().general, theme: 'dark' } }, ['general.theme']);
      expect([open().undecided, open().get().general.theme]).toEqual([undecided, 'dark']);
      await again.replace(again.get());
      expect([open().undecided, settingsHold(again), open().get().general.theme]).toEqual([null, false, 'dark']);
    });

    it('is over once a file that can be read stands there', async () => {
      await writeFile(file, '');
      const settings = open();
      await settings.watch();
      expect(settingsHold(settings)).toBe(true);
      writeFileSync(file, '{"gateways":{"mode":"always"}}');
      await expect.poll(() => settingsHold(settings), WAIT).toBe(false);
      expect(settings.get().gateways.mode).toBe('always');
    });

    it('is moved out of the way when the user decides, where not even a copy can be made', async () => {
      await mkdir(file);
      const settings = open();
      expect(settings.message).toContain('EISDIR');
      expect([settingsHold(settings), await aside()]).toEqual([true, []]);
      await settings.replace(settings.get());
      expect([settingsHold(settings), settingsHold(open())]).toEqual([false, false]);
      expect(await aside()).toHaveLength(1);
    });
  });

  it('no file at all is no reason to hold: the program was never started before', () => {
    expect(settingsHold(open())).toBe(false);
  });

  it('is not as the user left it while one that was set aside earlier lies beside it', async () => {
    await writeFile(file, '{"server"');
    await open().replace(defaultSettings());
    expect(open().whole).toBe(false);
  });
});
