// The licences of all that the built program carries inside, in one list.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './process.mjs';

/** Not bundled, but packed as they are. */
const PACKED = ['@photostructure/sqlite', 'node-gyp-build'];

/**
 * Puts lists of licences together as Vite writes them (`## NAME - VERSION (LICENCE)`, then the text): each library once,
 * by name. `textFor` is asked for the text of those that came without one.
 * @param {string[]} lists
 * @param {(name: string, licence: string) => string} textFor
 */
export function mergeLicences(lists, textFor) {
  const sections = new Map();
  for (const list of lists) {
    for (const section of list.split(/^(?=## \S+ - \d\S* \(.*\)$)/m)) {
      const [heading = '', ...lines] = section.trimEnd().split('\n');
      const [, name, licence] = /^## (\S+) - \S+ \((.*)\)$/.exec(heading) ?? [];
      // What stands before the first library.
      if (name === undefined) continue;
      sections.set(heading, lines.join('\n').trim() || textFor(name, licence));
    }
  }
  const byName = [...sections].sort(([a], [b]) => (a < b ? -1 : 1));
  return `# Libraries inside PostCast Server\n\n${byName.map(([heading, text]) => `${heading}\n\n${text}\n`).join('\n')}`;
}

/** @param {string} name */
const manifest = (name) => JSON.parse(readFileSync(path.join(ROOT, 'node_modules', name, 'package.json'), 'utf8'));

/**
 * Some packages only name their licence: its usual text, with the author whom the package names.
 * @param {string} name
 * @param {string} licence
 */
function usualText(name, licence) {
  if (licence !== 'MIT') throw new Error(`${name} has no licence text, and "${licence}" is not known by heart.`);
  const { author } = manifest(name);
  const who = (typeof author === 'string' ? author : author?.name) ?? `the authors of ${name}`;
  const terms = readFileSync(path.join(ROOT, 'LICENSE'), 'utf8').replace(
    /^[\s\S]*?(?=Permission is hereby granted)/,
    '',
  );
  return `Copyright (c) ${who}\n\n${terms.trim()}`;
}

/** @param {string} name */
function packedLibrary(name) {
  const { version, license } = manifest(name);
  const text = readFileSync(path.join(ROOT, 'node_modules', name, 'LICENSE'), 'utf8');
  return `## ${name} - ${version} (${license})\n\n${text}`;
}

/** Writes out/LICENSES.libraries.md from the lists that the build left in out/. */
export function writeLibraryLicences() {
  const out = path.join(ROOT, 'out');
  const lists = readdirSync(out, { recursive: true })
    .filter((name) => path.basename(name) === 'licenses.md')
    .map((name) => readFileSync(path.join(out, name), 'utf8'));
  const merged = mergeLicences([...lists, ...PACKED.map(packedLibrary)], usualText);
  writeFileSync(path.join(out, 'LICENSES.libraries.md'), merged);
}
