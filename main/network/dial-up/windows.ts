/** Windows: entries of the user's and the computer's phone books, dialled by rasdial. Not yet run there: docs/platforms.md. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunCommand } from '../run-command.ts';
import { DIAL_MS, dialResult, HANG_UP_MS, type Dialler } from './dialler.ts';

/** Entries of a phone book: its section names. One that begins like an option of rasdial is left out. Pure. */
export function parsePhonebook(text: string): readonly string[] {
  return [...text.matchAll(/^\[(.+)\]\s*$/gm)].flatMap(([, name]) =>
    name === undefined || name.startsWith('/') ? [] : [name],
  );
}

export function createWindowsDialler(run: RunCommand, environment: NodeJS.ProcessEnv = process.env): Dialler {
  const books = [environment['APPDATA'], environment['ProgramData']].flatMap((folder) =>
    folder === undefined ? [] : [join(folder, 'Microsoft', 'Network', 'Connections', 'Pbk', 'rasphone.pbk')],
  );
  return {
    async configured() {
      const found = await Promise.all(books.map((book) => readFile(book, 'utf8').then(parsePhonebook, () => [])));
      return [...new Set(found.flat())].sort();
    },
    dial: async (name, signal) => dialResult('rasdial', await run('rasdial.exe', [name], DIAL_MS, signal)),
    hangUp: async (name, signal) =>
      dialResult('rasdial', await run('rasdial.exe', [name, '/disconnect'], HANG_UP_MS, signal)),
  };
}
