// What `electron [-r module] [flags] folder [arguments]` starts in a runtime that came without a default app: loads the
// program in `folder` as Electron's own default app would.
const { app } = require('electron');
const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

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

start().catch((error) => fail(error instanceof Error ? error.stack : String(error)));
