/**
 * The pages of a damaged database, with what its log holds. Nothing is written. Layouts:
 * https://www.sqlite.org/fileformat2.html
 */
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';

/** The page size of every database that this program makes. */
export const PAGE_BYTES = 4096;

const LOG_HEADER = 32;
const FRAME_HEADER = 24;
const FRAME_BYTES = FRAME_HEADER + PAGE_BYTES;
/** The magic number of a log whose checksums are of big-endian words; one less: little-endian. */
const BIG_ENDIAN = 0x377f0683;
/** Entries of five octets that one page of the pointer map holds: a kind, and the page above. */
const MAPPED_PAGES = Math.floor(PAGE_BYTES / 5);
const ROOT = 1;
const BELOW_ROOT = 5;

/** Pages, counted from 1. A torn last page does not count. */
export interface PageFile {
  readonly count: number;
  /** Zeros past the end. */
  read(page: number): Buffer;
  /** The pointer map says that the page is one of a table or an index. Free pages are not: they hold what was removed. */
  isInUse(page: number): boolean;
  close(): void;
}

/** Opens the file for reading. Throws if it cannot be read. */
export function openPageFile(path: string): PageFile {
  const logged = existsSync(`${path}-wal`) ? pagesInLog(readFileSync(`${path}-wal`)) : new Map<number, Buffer>();
  const fd = openSync(path, 'r');
  const read = (page: number): Buffer => {
    const found = logged.get(page);
    if (found !== undefined) return found;
    const octets = Buffer.alloc(PAGE_BYTES);
    if (page > 0) readSync(fd, octets, 0, PAGE_BYTES, (page - 1) * PAGE_BYTES);
    return octets;
  };
  let map: { readonly at: number; readonly octets: Buffer } = { at: 0, octets: Buffer.alloc(0) };
  return {
    count: [...logged.keys()].reduce((most, page) => Math.max(most, page), Math.floor(fstatSync(fd).size / PAGE_BYTES)),
    read,
    isInUse(page) {
      const at = page - ((page - 2) % (MAPPED_PAGES + 1));
      if (page === at) return false;
      if (map.at !== at) map = { at, octets: read(at) };
      const kind = map.octets[(page - at - 1) * 5];
      return kind === ROOT || kind === BELOW_ROOT;
    },
    close: () => closeSync(fd),
  };
}

/** The pages that a write-ahead log's committed transactions wrote, the last version of each. */
function pagesInLog(log: Buffer): Map<number, Buffer> {
  const pages = new Map<number, Buffer>();
  if (log.length < LOG_HEADER) return pages;
  const bigEndian = log.readUInt32BE(0) === BIG_ENDIAN;
  const salt = log.subarray(16, 24);
  let sum: Checksum = checksum([0, 0], log.subarray(0, 24), bigEndian);
  let uncommitted: (readonly [number, Buffer])[] = [];
  for (let at = LOG_HEADER; at + FRAME_BYTES <= log.length; at += FRAME_BYTES) {
    const frame = log.subarray(at, at + FRAME_BYTES);
    sum = checksum(checksum(sum, frame.subarray(0, 8), bigEndian), frame.subarray(FRAME_HEADER), bigEndian);
    const isValid = frame.subarray(8, 16).equals(salt) && frame.readUInt32BE(16) === sum[0];
    if (!isValid || frame.readUInt32BE(20) !== sum[1]) break;
    uncommitted.push([frame.readUInt32BE(0), frame.subarray(FRAME_HEADER)]);
    if (frame.readUInt32BE(4) === 0) continue;
    for (const [page, octets] of uncommitted) pages.set(page, octets);
    uncommitted = [];
  }
  return pages;
}

type Checksum = readonly [number, number];

function checksum([first, second]: Checksum, octets: Buffer, bigEndian: boolean): Checksum {
  let [a, b] = [first, second];
  for (let at = 0; at < octets.length; at += 8) {
    a = (a + (bigEndian ? octets.readUInt32BE(at) : octets.readUInt32LE(at)) + b) >>> 0;
    b = (b + (bigEndian ? octets.readUInt32BE(at + 4) : octets.readUInt32LE(at + 4)) + a) >>> 0;
  }
  return [a, b];
}
