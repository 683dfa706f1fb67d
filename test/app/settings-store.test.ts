import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSettingsFile, type SettingsFile, type SettingsWriter } from '../../app/settings-store.ts';
import { defaultSettings } from '../../shared/settings.ts';

let profile: string;
let file: string;
let written: number;
const notes: string[] = [];
const WAIT = { timeout: 30_000 };
let opened: SettingsFile[] = [];

beforeEach(async () => {
  profile = await mkdtemp(path.join(tmpdir(), 'pc-settings-'));
  file = path.join(profile, 'settings.json');
  written = 0;
  notes.length = 0;
});
afterEach(async () => {
  for (const settings of opened) settings.close();
  opened = [];
  await rm(profile, { recursive: true, force: true });
});

/** electron-store needs Electron around it; what it does with the file is a plain write here. */
function writer(): SettingsWriter {
  return {
    get store() {
      return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    },
    set store(value) {
      written++;
      writeFileSync(file, JSON.stringify(value));
    },
  };
}
function open(): SettingsFile {
  const settings = openSettingsFile({
    profile,
    now: () => Date.UTC(2026, 10, 23, 10, 0),
    note: (event) => notes.push(event),
    openWriter: async () => writer(),
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
    expect(written).toBe(0);
    expect(settings.get()).toEqual(defaultSettings());
  });

  it('is set aside when broken; defaults hold, and the next save does not overwrite what was there', async () => {
    await writeFile(file, '<html>log in</html>');
    const settings = open();
    expect(settings.get()).toEqual(defaultSettings());
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
    const saves = [2601, 2602, 2603].map((port) => settings.replace({ server: { port } }));
    await Promise.all(saves);
    expect(settings.get().server.port).toBe(2603);
    expect(written).toBe(3);
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

  it('is not as the user left it while one that was set aside earlier lies beside it', async () => {
    await writeFile(file, '{"server"');
    await open().replace(defaultSettings());
    expect(open().whole).toBe(false);
  });
});
