// What `electron [-r module] [flags] folder [arguments]` starts in a runtime that came without a default app: loads the
// program in `folder` as Electron's own default app would. A module, since Electron is not ready before a module has been
// evaluated: the program, too, does some things that have to be done before.
import { app } from 'electron';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const preloads = [];
let folder;
for (let i = 1; i < process.argv.length && folder === undefined; i++) {
  const argument = process.argv[i];
  if (argument === '-r' || argument === '--require') preloads.push(process.argv[++i]);
  else if (!argument.startsWith('-')) folder = path.resolve(argument);
}

function fail(reason) {
  console.error(reason);
  app.exit(1);
}

async function start() {
  if (folder === undefined) return fail('Usage: electron [-r module] [flags] folder [arguments]');
  const manifest = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
  process.defaultApp = true;
  app.setName(manifest.productName ?? manifest.name);
  app.setVersion(manifest.version ?? '0.0.0');
  app.setAppPath(folder);
  const requireFromFolder = createRequire(path.join(folder, 'package.json'));
  for (const module of preloads) requireFromFolder(path.isAbsolute(module) ? module : path.resolve(module));
  await import(pathToFileURL(path.join(folder, manifest.main ?? 'index.js')).href);
}

await start().catch((error) => fail(error instanceof Error ? error.stack : String(error)));
