/**
 * Comments cite docs/spec.md (`spec §3.5`, point `spec §3.5.2`) and docs/standards.md (`standards 49`, `standards S8`,
 * `standards §3`). What is cited exists, and nothing is cited that does not lie in the repository.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const FOLDERS = ['app', 'main', 'renderer', 'shared', 'test', 'scripts', 'docs', '.github'];
const TEXT = /\.(?:ts|tsx|mjs|cjs|js|css|html|md|ya?ml|sh|tpl|cmd|txt)$/;

/** A blank, or the end of a line in a comment. */
const GAP = String.raw`(?:[ \t]+|[ \t]*\r?\n[ \t]*(?:\*(?!\/)|\/\/|#)?[ \t]*)`;
const SECTION = String.raw`§\d+(?:\.\d+)*`;
/** A number as `49`, `S8`, `N3`, `F10`; not the beginning of a word or of a decimal number. */
const NUMBER = String.raw`[SNF]?\d+(?!\w|\.\d)`;
/** Between two numbers of one citation: "9, 10", "15–17", "41 and 40", "§2.2 N2". */
const BETWEEN = String.raw`(?:${GAP})?(?:,|;|/|–|-|and|or)?(?:${GAP})?`;
const SPEC = new RegExp(String.raw`\b(?:SPEC|[Ss]pec)${GAP}(${SECTION}(?:${BETWEEN}${SECTION})*)`, 'g');
const STANDARDS = new RegExp(
  String.raw`\b(?:STANDARDS|[Ss]tandards)${GAP}((?:${SECTION}|${NUMBER})(?:${BETWEEN}(?:${SECTION}|${NUMBER}))*)`,
  'g',
);
/** Documents outside of the repository; the names are put together so that this file does not cite them itself. */
const FOREIGN = new RegExp(
  String.raw`\b(?:${['ARCHITEC', 'RUN'].map((name) => `${name}T[A-Z]+`).join('|')})(?:\.md\b|${GAP}§)`,
  'g',
);

interface Citation {
  readonly place: string;
  readonly cited: string;
}

interface Cited {
  readonly spec: readonly Citation[];
  readonly standards: readonly Citation[];
  readonly foreign: readonly Citation[];
}

/** Everything that a text cites, each with `name:line`. */
function citationsIn(name: string, text: string): Cited {
  const find = (pattern: RegExp, one: RegExp | null): Citation[] =>
    [...text.matchAll(pattern)].flatMap((match) => {
      const place = `${name}:${text.slice(0, match.index).split('\n').length}`;
      const all =
        one === null ? [match[0].replace(/\s+/g, ' ')] : [...(match[1] ?? '').matchAll(one)].map(([id]) => id);
      return all.map((cited) => ({ place, cited }));
    });
  return {
    spec: find(SPEC, new RegExp(SECTION, 'g')),
    standards: find(STANDARDS, new RegExp(`${SECTION}|${NUMBER}`, 'g')),
    foreign: find(FOREIGN, null),
  };
}

/** `§3`, `§3.1` of the headings, and `§3.1.2` of the numbered points below them. */
function sectionsOf(markdown: string): ReadonlySet<string> {
  const found: string[] = [];
  let section = '';
  for (const line of markdown.split('\n')) {
    const heading = /^#{2,4} (\d+(?:\.\d+)*) /.exec(line)?.[1];
    const point = /^(\d+)\. /.exec(line)?.[1];
    if (heading !== undefined) section = heading;
    if (heading !== undefined) found.push(`§${heading}`);
    else if (point !== undefined && section !== '') found.push(`§${section}.${point}`);
  }
  return new Set(found);
}

/** First cells of tables: `49`, `S8`, `N3`, `F1`. */
function numbersOf(markdown: string): readonly string[] {
  return [...markdown.matchAll(/^\| ([SNF]?\d+) +\|/gm)].map(([, number = '']) => number);
}

function* textFiles(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== 'node_modules') yield* textFiles(path);
    else if (entry.isFile() && TEXT.test(entry.name)) yield path;
  }
}

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const spec = sectionsOf(read('docs/spec.md'));
const standardsText = read('docs/standards.md');
const standards = new Set([...sectionsOf(standardsText), ...numbersOf(standardsText)]);
const rootFiles = readdirSync(ROOT).filter((name) => TEXT.test(name));
const files = [
  ...rootFiles.map((name) => join(ROOT, name)),
  ...FOLDERS.flatMap((name) => [...textFiles(join(ROOT, name))]),
];
const all = files.map((path) => citationsIn(relative(ROOT, path), readFileSync(path, 'utf8')));
const words = ({ place, cited }: Citation): string => `${place} ${cited}`;

describe('citations', () => {
  it('of the specification name a section or point that exists', () => {
    const cited = all.flatMap((file) => file.spec);
    expect(cited.length).toBeGreaterThan(100);
    expect(cited.filter((one) => !spec.has(one.cited)).map(words)).toEqual([]);
  });

  it('of the standards name a statement, finding or fault that exists', () => {
    const cited = all.flatMap((file) => file.standards);
    expect(cited.length).toBeGreaterThan(30);
    expect(cited.filter((one) => !standards.has(one.cited)).map(words)).toEqual([]);
  });

  it('name no document that is not in the repository', () => {
    expect(all.flatMap((file) => file.foreign).map(words)).toEqual([]);
  });
});

describe('numbers', () => {
  it('of points run from 1 without a gap', () => {
    for (const [name, sections] of [
      ['spec', spec],
      ['standards', sectionsOf(standardsText)],
    ] as const) {
      const last = new Map<string, number>();
      for (const id of sections) {
        const [, section = '', point = ''] = /^(§.+)\.(\d+)$/.exec(id) ?? [];
        if (!sections.has(section)) continue;
        expect(`${name} ${id}`).toBe(`${name} ${section}.${(last.get(section) ?? 0) + 1}`);
        last.set(section, Number(point));
      }
    }
  });

  it('of the standards are given once, and run from 1 without a gap', () => {
    for (const letter of ['', 'S', 'N', 'F']) {
      const given = numbersOf(standardsText).filter((number) => number.replace(/\d+/, '') === letter);
      expect(given.length).toBeGreaterThan(10);
      expect(given).toEqual(given.map((_, i) => `${letter}${i + 1}`));
    }
  });
});

describe('what counts as a citation', () => {
  // The words are put together here, so that the samples are not taken for citations of this file.
  const sample = (text: string): Cited => citationsIn('x.ts', text.replaceAll('{', '').replaceAll('}', ''));
  const cited = (list: readonly Citation[]): string[] => list.map((one) => one.cited);

  it.each([
    ['(s{}pec §3.5)', ['§3.5']],
    ['(S{}PEC §3.2, §3.3): staggered start', ['§3.2', '§3.3']],
    ['(s{}pec §3.5, RFC 5321 §5.1, RFC 7505)', ['§3.5']],
    ['// as s{}pec\n// §3.2.7 has it', ['§3.2.7']],
    [' * (s{}pec\n * §6, §7)', ['§6', '§7']],
    ['in{}spec §3, a.s{}pecs §4, OpenID Connect Core §11', []],
  ])('the specification: %j', (text, expected) => {
    expect(cited(sample(text).spec)).toEqual(expected);
  });

  it.each([
    ['(s{}tandards 49)', ['49']],
    ['(S{}TANDARDS 9, 10, 23; docs/refusals.md)', ['9', '10', '23']],
    ['(s{}tandards 7, 13, 15–17)', ['7', '13', '15', '17']],
    ['(s{}tandards §2.2 N2, N16, N17, §3)', ['§2.2', 'N2', 'N16', 'N17', '§3']],
    ['s{}tandards 41 and 40', ['41', '40']],
    ['(s{}tandards S8): 3 of them', ['S8']],
    ['(s{}tandards §3: −3 d, +3 d)', ['§3']],
    ['s{}tandards of 1995, s{}tandards 2.5 and s{}tandards 3rd', []],
  ])('the standards: %j', (text, expected) => {
    expect(cited(sample(text).standards)).toEqual(expected);
  });

  it('documents outside of the repository', () => {
    const outside = sample(
      '(ARCHI{}TECTURE §2.7), RUN{}TIME\n// §3, ARCHI{}TECTURE.md; POSTCAST_RUN{}TIME_CACHE',
    ).foreign;
    expect(outside.map((one) => one.place)).toEqual(['x.ts:1', 'x.ts:1', 'x.ts:2']);
  });

  it('says in which line', () => {
    expect(sample('\n\n// s{}pec §1').spec).toEqual([{ place: 'x.ts:3', cited: '§1' }]);
  });
});
