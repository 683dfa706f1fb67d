/**
 * Mends the pages of a damaged database file in place, so far that SQLite reads what is left of it. Only pages above the
 * rows are written (the first one, the schema's, the inner ones of tables), never a page with rows in it: nothing is read
 * afterwards that was not in the database. Page layouts: https://www.sqlite.org/fileformat2.html
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';

/** The page size of every database that this program makes. */
export const PAGE_BYTES = 4096;

/** SQLite keeps the page at 1 GiB free for its locks. */
const LOCKED_PAGE = 2 ** 30 / PAGE_BYTES + 1;
const INNER = 5;
const LEAF = 13;
/** The first page begins with the file's header; its tree is that of the schema. */
const HEADER_BYTES = 100;
const INNER_HEADER_BYTES = 12;
/** Entries of five octets that one page of the pointer map holds: a kind, and the page above. */
const MAPPED_PAGES = Math.floor(PAGE_BYTES / 5);
const KIND_TREE = 5;
/** No tree is that deep: what leads on is damage. */
const MAX_LEVELS = 20;

/** A file of pages, counted from 1. A torn last page does not count. */
interface PageFile {
  count(): number;
  read(page: number): Buffer;
  write(page: number, octets: Buffer): void;
  /** Returns the new page's number. */
  append(octets: Buffer): number;
}

function withPages<T>(path: string, run: (file: PageFile) => T): T {
  const fd = openSync(path, 'r+');
  try {
    let count = Math.floor(fstatSync(fd).size / PAGE_BYTES);
    const write = (page: number, octets: Buffer): void => {
      writeSync(fd, octets, 0, PAGE_BYTES, (page - 1) * PAGE_BYTES);
    };
    return run({
      count: () => count,
      read: (page) => {
        const octets = Buffer.alloc(PAGE_BYTES);
        readSync(fd, octets, 0, PAGE_BYTES, (page - 1) * PAGE_BYTES);
        return octets;
      },
      write,
      append: (octets) => {
        count += count + 1 === LOCKED_PAGE ? 2 : 1;
        write(count, octets);
        return count;
      },
    });
  } finally {
    closeSync(fd);
  }
}

/** SQLite will not read past the count of pages in the header, nor start with a wrong one. */
function countPages(file: PageFile, head: Buffer): void {
  head.writeUInt32BE(file.count(), 28);
  head.copy(head, 92, 24, 28); // the count is valid for this version of the file
  head.writeUInt32BE(0, 32); // the list of free pages is of no use, and may point anywhere
  head.writeUInt32BE(0, 36);
  file.write(1, head);
}

/** True if the file begins like a database; its header is made to fit the file then. */
export function mendHeader(path: string): boolean {
  return withPages(path, (file) => {
    if (file.count() < 2) return false;
    const head = file.read(1);
    if (head.toString('latin1', 0, 16) !== 'SQLite format 3\u0000') return false;
    countPages(file, head);
    return true;
  });
}

/**
 * Puts the first page and the schema of an empty database in the place of lost ones. The tables' first pages are the same
 * ones in every database that this program makes: they never move. The rest of the schema is appended: in the file it may
 * be anywhere, in a small one at the very end, which is what a cut takes first.
 */
export function replaceSchema(path: string, emptyPath: string): void {
  const empty = readFileSync(emptyPath);
  const pageOfEmpty = (page: number): Buffer => Buffer.from(empty.subarray((page - 1) * PAGE_BYTES, page * PAGE_BYTES));
  withPages(path, (file) => {
    if (file.count() < 2) return;
    const take = (page: number): number => {
      const octets = pageOfEmpty(page);
      for (const at of childPointers(octets, 0)) octets.writeUInt32BE(take(octets.readUInt32BE(at)), at);
      return file.append(octets);
    };
    const head = pageOfEmpty(1);
    // A schema that names a page behind the end is refused as a whole: tables that are missing get an empty page.
    while (file.count() < head.readUInt32BE(52)) file.append(Buffer.alloc(PAGE_BYTES));
    for (const at of childPointers(head, HEADER_BYTES)) head.writeUInt32BE(take(head.readUInt32BE(at)), at);
    countPages(file, head);
  });
}

/**
 * Makes lost inner pages of tables anew. One of them leads to hundreds of pages with rows, most of which were there before
 * it: a cut that takes it would take them all. Which pages it led to is written in the file's pointer map, the keys are in
 * the pages. Free pages are no page's children there: removed mail does not come back.
 * @param roots first pages of tables
 */
export function mendTrees(path: string, roots: readonly number[]): void {
  withPages(path, (file) => {
    let children: ReadonlyMap<number, readonly number[]> | undefined;
    const childrenOf = (page: number): readonly number[] => (children ??= pointerMap(file)).get(page) ?? [];
    const seen = new Set<number>();

    const newPage = (lost: number, above: number, upTo: number): Buffer | null => {
      const found = childrenOf(lost)
        .flatMap((page) => {
          const keys = page === lost ? null : keyRange(file, page);
          return keys !== null && keys.first > above && keys.last <= upTo ? [{ page, ...keys }] : [];
        })
        .sort((a, b) => a.first - b.first);
      return innerPage(found.filter((child, n) => n === 0 || child.first > (found[n - 1]?.last ?? Infinity)));
    };

    const mend = (page: number, above: number, upTo: number, level: number): void => {
      if (seen.has(page) || level > MAX_LEVELS) return;
      seen.add(page);
      const octets = file.read(page);
      if (octets[0] !== INNER) return;
      let from = above;
      let changed = false;
      for (const at of childPointers(octets, 0)) {
        const child = octets.readUInt32BE(at);
        const to = at === 8 ? upTo : Math.min(upTo, readVarint(octets, at + 4).value);
        const kind = kindOf(file, child);
        let next = child;
        if (kind === null) {
          const made = newPage(child, from, to);
          if (made !== null) {
            next = file.append(made);
            octets.writeUInt32BE(next, at);
            changed = true;
          }
        }
        if (kind === INNER || next !== child) mend(next, from, to, level + 1);
        from = Math.max(from, to);
      }
      if (changed) file.write(page, octets);
    };

    for (const root of roots) {
      if (root > file.count()) continue;
      if (kindOf(file, root) === null) {
        const made = newPage(root, -Infinity, Infinity);
        if (made !== null) file.write(root, made);
      }
      mend(root, -Infinity, Infinity, 0);
    }
    countPages(file, file.read(1));
  });
}

/** The keys of all rows of a table that can be reached; a few of them may be none. */
export function keysInTable(path: string, root: number): readonly number[] {
  return withPages(path, (file) => {
    const keys: number[] = [];
    const seen = new Set<number>();
    const walk = (page: number, level: number): void => {
      if (page < 1 || page > file.count() || seen.has(page) || level > MAX_LEVELS) return;
      seen.add(page);
      const octets = file.read(page);
      if (octets[0] === LEAF) keys.push(...leafKeys(octets));
      for (const at of childPointers(octets, 0)) walk(octets.readUInt32BE(at), level + 1);
    };
    walk(root, 0);
    return keys;
  });
}

/** Inner or leaf page of a table; null: neither. */
function kindOf(file: PageFile, page: number): number | null {
  if (page < 2 || page > file.count()) return null;
  const kind = file.read(page)[0];
  return kind === INNER || kind === LEAF ? kind : null;
}

/** Where the cells of a tree's page begin. */
function cells(octets: Buffer, header: number, size: number): readonly number[] {
  const count = Math.min(octets.readUInt16BE(header + 3), PAGE_BYTES / 4);
  const offsets: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const at = octets.readUInt16BE(header + size + 2 * n);
    if (at >= header + size && at < PAGE_BYTES - 4) offsets.push(at);
  }
  return offsets;
}

/** Where an inner page names its children, in the order of their keys. Of any other page: nowhere. */
function childPointers(octets: Buffer, header: number): readonly number[] {
  return octets[header] === INNER ? [...cells(octets, header, INNER_HEADER_BYTES), header + 8] : [];
}

function leafKeys(octets: Buffer): readonly number[] {
  return cells(octets, 0, 8).map((at) => readVarint(octets, readVarint(octets, at).end).value);
}

function keyRange(file: PageFile, page: number): { readonly first: number; readonly last: number } | null {
  let low = page;
  let high = page;
  let first: number | undefined;
  let last: number | undefined;
  for (let level = 0; level < MAX_LEVELS && (first === undefined || last === undefined); level += 1) {
    const [left, right] = [kindOf(file, low), kindOf(file, high)];
    if (left === null) return null;
    const lowOctets = file.read(low);
    const highOctets = right === null ? null : file.read(high);
    if (left === LEAF) first ??= leafKeys(lowOctets)[0];
    else low = lowOctets.readUInt32BE(childPointers(lowOctets, 0)[0] ?? 8);
    if (highOctets === null) return null;
    if (right === LEAF) last ??= leafKeys(highOctets).at(-1);
    else high = highOctets.readUInt32BE(8);
  }
  return first === undefined || last === undefined || last < first ? null : { first, last };
}

/** By the number of a page, the pages of trees directly below it. */
function pointerMap(file: PageFile): ReadonlyMap<number, readonly number[]> {
  const below = new Map<number, number[]>();
  for (let map = 2; map <= file.count(); map += MAPPED_PAGES + 1) {
    const octets = file.read(map);
    for (let n = 0; n < MAPPED_PAGES; n += 1) {
      if (octets[n * 5] !== KIND_TREE) continue;
      const above = octets.readUInt32BE(n * 5 + 1);
      const pages = below.get(above);
      if (pages) pages.push(map + 1 + n);
      else below.set(above, [map + 1 + n]);
    }
  }
  return below;
}

/** An inner page over these children, null if there are none. As many fit as its predecessor had. */
function innerPage(children: readonly { readonly page: number; readonly last: number }[]): Buffer | null {
  let space = PAGE_BYTES - INNER_HEADER_BYTES;
  const fitting = children.filter(({ last }) => (space -= 6 + varint(last).length) >= 0);
  const right = fitting.at(-1);
  if (right === undefined) return null;
  const octets = Buffer.alloc(PAGE_BYTES);
  let at = PAGE_BYTES;
  for (const [n, { page, last }] of fitting.slice(0, -1).entries()) {
    const key = varint(last);
    at -= 4 + key.length;
    octets.writeUInt32BE(page, at);
    key.copy(octets, at + 4);
    octets.writeUInt16BE(at, INNER_HEADER_BYTES + 2 * n);
  }
  octets[0] = INNER;
  octets.writeUInt16BE(fitting.length - 1, 3);
  octets.writeUInt16BE(at, 5);
  octets.writeUInt32BE(right.page, 8);
  return octets;
}

/** SQLite's integers: seven bits an octet, the highest first, the ninth octet whole. Keys of ours are below 2^53. */
function readVarint(octets: Buffer, at: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let n = 0; n < 9; n += 1) {
    const octet = octets[at + n] ?? 0;
    if (n === 8) return { value: value * 256 + octet, end: at + 9 };
    value = value * 128 + (octet & 127);
    if (octet < 128) return { value, end: at + n + 1 };
  }
  return { value, end: at + 9 };
}

function varint(value: number): Buffer {
  const octets = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) octets.unshift(128 + (rest % 128));
  return Buffer.from(octets);
}
