#!/usr/bin/env node
// Takes the place of fpm for `-t deb`, which is all that it can: electron-builder would download fpm from GitHub.
// It lays out the folders that it is told to and has dpkg-deb make the package.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const SWITCHES = new Set(['--force', '--debug']);
const options = new Map();
const mappings = [];
const argv = process.argv.slice(2);
for (let i = 0; i < argv.length; i++) {
  const argument = argv[i];
  if (SWITCHES.has(argument)) continue;
  if (argument.startsWith('-')) {
    const [name, ...rest] = argument.startsWith('--') ? argument.split('=') : [argument];
    const value = rest.length > 0 ? rest.join('=') : argv[++i];
    options.set(name, [...(options.get(name) ?? []), value]);
  } else mappings.push(argument.split('='));
}
const one = (name) => options.get(name)?.[0];
if (one('-t') !== 'deb') {
  console.error(`Only deb packages can be made without fpm, not ${one('-t')}.`);
  process.exit(1);
}

/** What a field of the control file may hold: continuation lines begin with a blank, empty ones are a dot. */
function description(text) {
  const [first = '', ...rest] = text.split('\n');
  const lines = rest.map((line) => line.trim()).filter((line) => line !== '');
  return [first.trim() || lines[0] || one('--name'), ...lines.map((line) => ` ${line}`)].join('\n');
}

const root = mkdtempSync(path.join(tmpdir(), 'postcast-deb-'));
try {
  for (const [from, to] of mappings) {
    const target = path.join(root, to);
    mkdirSync(path.dirname(target), { recursive: true });
    cpSync(from, target, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  }
  const files = [];
  let bytes = 0;
  const visit = (folder) => {
    chmodSync(folder, 0o755);
    for (const name of readdirSync(folder).sort()) {
      const file = path.join(folder, name);
      const stat = lstatSync(file);
      if (stat.isDirectory()) visit(file);
      else if (stat.isFile()) {
        // Whatever umask it was built under: everybody may read, nobody but root may write.
        chmodSync(file, stat.mode & 0o111 ? 0o755 : 0o644);
        files.push(file);
        bytes += stat.size;
      }
    }
  };
  visit(root);
  const control = path.join(root, 'DEBIAN');
  mkdirSync(control);
  writeFileSync(
    path.join(control, 'md5sums'),
    files
      .map((file) => `${createHash('md5').update(readFileSync(file)).digest('hex')}  ${path.relative(root, file)}\n`)
      .join(''),
  );
  for (const [option, name] of [
    ['--after-install', 'postinst'],
    ['--after-remove', 'postrm'],
  ]) {
    if (one(option) === undefined) continue;
    writeFileSync(path.join(control, name), readFileSync(one(option)), { mode: 0o755 });
  }
  const fields = [
    ['Package', one('--name')],
    ['Version', one('--version')],
    ['Architecture', one('--architecture')],
    ['Maintainer', one('--maintainer')],
    ['Installed-Size', Math.ceil(bytes / 1024)],
    ['Depends', options.get('-d')?.join(', ')],
    ['Recommends', options.get('--deb-recommends')?.join(', ')],
    ['Section', one('--category') ?? 'mail'],
    ['Priority', one('--deb-priority')],
    ['Homepage', one('--url')],
    ['Description', description(one('--description') ?? '')],
  ];
  writeFileSync(
    path.join(control, 'control'),
    fields
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}: ${value}\n`)
      .join(''),
  );
  const level = process.env['ELECTRON_BUILDER_COMPRESSION_LEVEL'] ?? '6';
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', `-z${level}`, '--build', root, one('--package')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
} finally {
  rmSync(root, { recursive: true, force: true });
}
