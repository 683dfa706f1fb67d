import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');

it('the built command line starts as a program of its own under plain Node.js', async () => {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
  const cli = path.join(root, 'out/main/cli.js');
  // By its first line where the system knows such lines.
  const [program, args] = process.platform === 'win32' ? [process.execPath, [cli]] : [cli, []];
  const { stdout } = await promisify(execFile)(program, [...args, '--version']);
  expect(stdout).toBe(`${version}\n`);
});
