/** The list of invalid addresses as files to take along (spec §6). Pure. */
import type { InvalidAddress } from './ipc-contract.ts';

/** What spreadsheets take for a formula at the beginning of a cell; some skip white space before it. */
const FORMULA = /^\s*[=+\-@\uff0b\uff0d\uff1d\uff20]|^[\t\r\n]/;

/**
 * One CSV field (RFC 4180 §2), always quoted. What a spreadsheet would run gets an apostrophe in front: then it is text
 * there. Addresses and servers' words are strangers' words.
 */
export function csvField(value: string): string {
  const safe = FORMULA.test(value) ? `'${value}` : value;
  return `"${safe.replaceAll('"', '""')}"`;
}

/** CSV with a header line, UTF-8 with the mark that spreadsheets know it by. Times are ISO 8601, UTC. */
export function invalidAddressesCsv(rows: readonly InvalidAddress[]): string {
  const lines = [
    ['address', 'reply', 'last', 'count'],
    ...rows.map((row) => [row.address, row.reply, new Date(row.at).toISOString(), String(row.count)]),
  ];
  return `\ufeff${lines.map((line) => `${line.map(csvField).join(',')}\r\n`).join('')}`;
}

/** One address to a line, as it was given. No line of an address is another address. */
export function invalidAddressesText(rows: readonly InvalidAddress[]): string {
  return rows.map((row) => `${row.address.replaceAll(/[\r\n]+/g, ' ')}\r\n`).join('');
}
