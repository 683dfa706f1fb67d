import { execFileSync } from 'node:child_process';
import { chmod, lstat, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { saveFile } from '../../../app/windows/save-file.ts';
import { expectMode, hasPipeFiles, hasSymlinks } from '../../support/unix-files.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pc-save-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const at = (name: string): string => path.join(folder, name);
async function* pieces(...texts: readonly (string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    await Promise.resolve();
    if (text instanceof Error) throw text;
    yield Buffer.from(text);
  }
}

it('writes a new file for this user only, and nothing beside it', async () => {
  await saveFile(at('a.txt'), pieces('one ', 'two'));
  expect(await readFile(at('a.txt'), 'utf8')).toBe('one two');
  expectMode(at('a.txt'), 0o600);
  expect(await readdir(folder)).toEqual(['a.txt']);
});

it('leaves a file that was there whole when writing fails half-way, and a user’s own .part alone', async () => {
  await writeFile(at('a.txt'), 'old and whole');
  await writeFile(at('a.txt.part'), 'mine');
  await expect(saveFile(at('a.txt'), pieces('half', new Error('the queue is damaged here')))).rejects.toThrow(
    'damaged',
  );
  expect(await readFile(at('a.txt'), 'utf8')).toBe('old and whole');
  expect(await readFile(at('a.txt.part'), 'utf8')).toBe('mine');
  expect((await readdir(folder)).sort()).toEqual(['a.txt', 'a.txt.part']);
});

it('replaces a file once the new one is whole, with the permissions that it had', async () => {
  await writeFile(at('a.txt'), 'old');
  await chmod(at('a.txt'), 0o644);
  let during = '';
  await saveFile(
    at('a.txt'),
    (async function* () {
      yield Buffer.from('new');
      during = await readFile(at('a.txt'), 'utf8');
    })(),
  );
  expect([during, await readFile(at('a.txt'), 'utf8')]).toEqual(['old', 'new']);
  expectMode(at('a.txt'), 0o644);
});

it.skipIf(!hasSymlinks)('follows a link and keeps it', async () => {
  await mkdir(at('elsewhere'));
  await writeFile(at('elsewhere/real'), 'old');
  await symlink(at('elsewhere/real'), at('link'));
  await saveFile(at('link'), pieces('new'));
  expect((await lstat(at('link'))).isSymbolicLink()).toBe(true);
  expect(await readFile(at('elsewhere/real'), 'utf8')).toBe('new');
});

it('says so when it cannot be written, and takes no folder for a file', async () => {
  await expect(saveFile(at('nowhere/a.txt'), pieces('x'))).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(saveFile(folder, pieces('x'))).rejects.toMatchObject({ code: 'EISDIR' });
});

it.skipIf(!hasPipeFiles)('writes into a device or a pipe, and puts no file in its place', async () => {
  await saveFile('/dev/null', pieces('x'));
  expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
  execFileSync('mkfifo', [at('pipe')]);
  const [read] = await Promise.all([readFile(at('pipe'), 'utf8'), saveFile(at('pipe'), pieces('through'))]);
  expect(read).toBe('through');
});
