/**
 * Reads rows straight from the pages that hold them, without the schema and the trees above: what a cut or a bad page takes
 * of those takes no row along. To which table a row belongs follows from its columns, since no two tables are alike.
 */
import type { Row, SqlValue } from '../sqlite/database.ts';
import { PAGE_BYTES, type PageFile } from './page-file.ts';

const LEAF = 13;
/** Octets of a row that its page holds at most, and at least if the rest is on pages of its own. */
const MOST_LOCAL = PAGE_BYTES - 35;
const LEAST_LOCAL = Math.floor(((PAGE_BYTES - 12) * 32) / 255) - 23;

/** A table's columns. Those from `optional` on were added later: rows that were written before have none of them. */
export interface TableShape {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: string; readonly notNull: boolean }[];
  /** The first column is the row's key, which is not stored with it. */
  readonly hasKey: boolean;
  readonly optional: number;
}

/** The rows of a file: by table the key of each row, and where it is. */
type RowPlaces = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** Finds all rows of these tables. */
export function findRows(file: PageFile, shapes: readonly TableShape[]): RowPlaces {
  const places = new Map(shapes.map(({ name }) => [name, new Map<number, number>()]));
  for (let page = 2; page <= file.count; page += 1) {
    if (!file.isInUse(page)) continue;
    const octets = file.read(page);
    if (octets[0] !== LEAF) continue;
    const count = Math.min(octets.readUInt16BE(3), PAGE_BYTES / 4);
    for (let n = 0; n < count; n += 1) {
      const at = octets.readUInt16BE(8 + 2 * n);
      const place = (page - 1) * PAGE_BYTES + at;
      const found = at < 8 || at > PAGE_BYTES - 4 ? null : readRow(file, place);
      if (found === null) continue;
      const shape = shapes.find((one) => isOf(found.values, one));
      if (shape !== undefined) places.get(shape.name)?.set(found.key, place);
    }
  }
  return places;
}

/** The row at a place that findRows gave; null if it cannot be read any more. */
export function rowAt(file: PageFile, place: number, shape: TableShape): Row | null {
  const found = readRow(file, place);
  if (found === null) return null;
  const entries = found.values.map((value, n) => [shape.columns[n]?.name ?? '', value] as const);
  return Object.fromEntries(shape.hasKey ? [[shape.columns[0]?.name ?? '', found.key], ...entries.slice(1)] : entries);
}

function isOf(values: readonly SqlValue[], { columns, hasKey, optional }: TableShape): boolean {
  if (values.length < optional || values.length > columns.length) return false;
  return values.every((value, n) => {
    if (n === 0 && hasKey) return value === null;
    const column = columns[n];
    if (value === null) return column?.notNull === false;
    if (typeof value === 'string') return column?.type === 'TEXT';
    return column?.type === (typeof value === 'number' ? 'INTEGER' : 'BLOB');
  });
}

function readRow(file: PageFile, place: number): { readonly key: number; readonly values: readonly SqlValue[] } | null {
  const octets = file.read(Math.floor(place / PAGE_BYTES) + 1);
  const size = readVarint(octets, place % PAGE_BYTES);
  const key = readVarint(octets, size.end);
  const payload = readPayload(file, octets, key.end, size.value);
  const values = payload === null ? null : readValues(payload);
  return values === null ? null : { key: key.value, values };
}

/** What does not fit into a row's page is in a chain of pages. Null: the chain is broken. */
function readPayload(file: PageFile, octets: Buffer, from: number, size: number): Buffer | null {
  if (size > file.count * PAGE_BYTES) return null;
  const rest = LEAST_LOCAL + ((size - LEAST_LOCAL) % (PAGE_BYTES - 4));
  const local = size <= MOST_LOCAL ? size : rest <= MOST_LOCAL ? rest : LEAST_LOCAL;
  if (from + local + (local < size ? 4 : 0) > PAGE_BYTES) return null;
  const pieces = [octets.subarray(from, from + local)];
  let next = local < size ? octets.readUInt32BE(from + local) : 0;
  for (let left = size - local; left > 0; left -= PAGE_BYTES - 4) {
    if (next < 2 || next > file.count) return null;
    const page = file.read(next);
    pieces.push(page.subarray(4, 4 + Math.min(left, PAGE_BYTES - 4)));
    next = page.readUInt32BE(0);
  }
  return Buffer.concat(pieces);
}

/** The values of a record; null if it is none. */
function readValues(payload: Buffer): readonly SqlValue[] | null {
  const header = readVarint(payload, 0);
  const values: SqlValue[] = [];
  let at = header.value;
  for (let from = header.end; from < header.value;) {
    const type = readVarint(payload, from);
    from = type.end;
    const size =
      type.value >= 12 ? Math.floor((type.value - 12) / 2) : ([0, 1, 2, 3, 4, 6, 8, 8, 0, 0][type.value] ?? NaN);
    if (!(at + size <= payload.length)) return null;
    values.push(valueOf(type.value, payload.subarray(at, at + size)));
    at += size;
  }
  return at === payload.length && values.length > 0 ? values : null;
}

function valueOf(type: number, octets: Buffer): SqlValue {
  if (type === 0) return null;
  if (type === 8 || type === 9) return type - 8;
  if (type === 6) return Number(octets.readBigInt64BE());
  if (type === 7) return octets.readDoubleBE();
  if (type < 6) return octets.readIntBE(0, octets.length);
  return type % 2 === 0 ? new Uint8Array(octets) : octets.toString('utf8');
}

/** SQLite's integers: seven bits an octet, the highest first, the ninth octet whole. Keys of ours are below 2^53. */
function readVarint(octets: Buffer, at: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let n = 0; n < 8; n += 1) {
    const octet = octets[at + n] ?? 0;
    value = value * 128 + (octet & 127);
    if (octet < 128) return { value, end: at + n + 1 };
  }
  return { value: value * 256 + (octets[at + 8] ?? 0), end: at + 9 };
}
