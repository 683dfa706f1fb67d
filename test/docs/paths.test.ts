/** Files that the documents name in backticks, or link to, exist: a file that moves takes its mention along. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const documents = ['.', 'docs', 'docs/handbook'].flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
);
const NAMED = /`((?:main|app|shared|renderer|test|scripts|docs|assets)\/[\w./-]+)`/g;
const LINK = /\]\((?![a-z]+:|#)([^)#\s]+)(?:#[^)\s]*)?\)/g;

function missing(document: string, pattern: RegExp, folder: string): readonly string[] {
  const text = readFileSync(join(ROOT, document), 'utf8');
  return [...text.matchAll(pattern)].flatMap(([, path = '']) => (existsSync(join(ROOT, folder, path)) ? [] : [path]));
}

describe.each(documents)('%s', (document) => {
  it('names files that exist', () => {
    expect(missing(document, NAMED, '.')).toEqual([]);
  });

  it('links to files that exist', () => {
    expect(missing(document, LINK, dirname(document))).toEqual([]);
  });
});
