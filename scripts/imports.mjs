// npm run imports: checks who imports whom (.dependency-cruiser.cjs).
import { existsSync } from 'node:fs';
import path from 'node:path';
import { ROOT, runCommand } from './lib/process.mjs';

const folders = ['app', 'main', 'renderer', 'shared'].filter((folder) => existsSync(path.join(ROOT, folder)));
const { code, output } = await runCommand(process.execPath, [
  path.join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs'),
  '--config',
  '.dependency-cruiser.cjs',
  ...folders,
]);
process.stdout.write(output);
process.exitCode = code;
