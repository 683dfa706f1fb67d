import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { SettingsWriter } from '../../app/settings-file.ts';

/** What electron-store does with the file, without Electron around it: whole, and at once. */
export function plainWriter(file: string): SettingsWriter {
  return {
    get store() {
      return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    },
    set store(value) {
      writeFileSync(`${file}.next`, `${JSON.stringify(value, null, 2)}\n`);
      renameSync(`${file}.next`, file);
    },
  };
}
