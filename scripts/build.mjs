// npm run build: out/ from the sources, if anything changed. `--force` builds in any case.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { build, isBuilt } from './lib/install.mjs';
import { ROOT, elapsed, say } from './lib/process.mjs';

if (process.argv.includes('--force')) rmSync(path.join(ROOT, 'out'), { recursive: true, force: true });
if (isBuilt()) say('out/ is up to date.');
else {
  const start = performance.now();
  const { code, output } = await build();
  process.stdout.write(output);
  if (code === 0) say(`Built in ${elapsed(start)}.`);
  process.exitCode = code;
}
