// node scripts/handbook.mjs: makes the pictures of docs/handbook anew, by walking the stories of test/e2e/stories.
// Linux; wants what `npm run e2e` wants, and dnsmasq, so that the mail servers in the pictures have names.
import path from 'node:path';
import { build, checkNodeVersion, installPackages } from './lib/install.mjs';
import { ROOT, runCommand, say } from './lib/process.mjs';

checkNodeVersion();
await installPackages();
const built = await build();
if (built.code !== 0) {
  process.stdout.write(`${built.output}\nThe build failed; see above.\n`);
  process.exit(1);
}
const { code, output } = await runCommand(
  process.execPath,
  [
    path.join(ROOT, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--project',
    'e2e',
    ...(process.argv.length > 2 ? process.argv.slice(2) : ['test/e2e/stories']),
  ],
  { env: { ...process.env, POSTCAST_HANDBOOK_PICTURES: 'docs/handbook/pictures' }, timeoutSeconds: 1800 },
);
process.stdout.write(output);
if (code === 0) say('The pictures are in docs/handbook/pictures.');
process.exit(code ?? 1);
