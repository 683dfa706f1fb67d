/**
 * Runs every file of test/fixtures/dialogs. A line is
 *   C: text            sent with CRLF            C~ text   sent as it is; \r \n \t \0 \xHH \\ are escapes
 *   S: text            one line of a reply; * stands for anything
 *   S. closed          the server closes without another word
 *   = messages 2       messages stored so far    = from x (or <>)    = recipients a b    = has text    = hasnt text
 *   ! {json}           server settings (first lines only)
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Client, startListener, type Harness, type ServerChanges } from './harness.ts';

const folder = join(import.meta.dirname, '../../fixtures/dialogs');
const files = readdirSync(folder).filter((name) => name.endsWith('.txt'));

let harness: Harness | null = null;
afterEach(async () => {
  await harness?.close();
  harness = null;
});

function unescape(text: string): string {
  return text.replace(/\\(r|n|t|0|\\|x[0-9A-Fa-f]{2})/g, (_all, what: string) => {
    if (what.startsWith('x')) return String.fromCharCode(parseInt(what.slice(1), 16));
    return { r: '\r', n: '\n', t: '\t', '0': '\0', '\\': '\\' }[what] ?? '';
  });
}

function pattern(text: string): RegExp {
  return new RegExp(
    `^${text
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
    's',
  );
}

describe('dialogs', () => {
  test('there are some', () => expect(files.length).toBeGreaterThan(30));

  test.each(files)('%s', async (name) => {
    const lines = readFileSync(join(folder, name), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    const server = lines
      .filter((line) => line.startsWith('! '))
      .map((line) => JSON.parse(line.slice(2)) as ServerChanges);
    harness = await startListener(Object.assign({}, ...server) as ServerChanges);
    const client = new Client(harness.port);
    let replyLines: string[] = [];
    let checks = 0;
    for (const line of lines) {
      const what = line.slice(0, 2);
      const text = line.slice(3);
      if (what === 'C:') client.write(Buffer.from(`${text}\r\n`, 'utf8'));
      else if (what === 'C~') client.write(unescape(text));
      else if (what === 'S:') {
        checks++;
        if (replyLines.length === 0) replyLines = (await client.reply()).split('\r\n');
        expect(replyLines.shift()).toMatch(pattern(text));
      } else if (what === 'S.') {
        checks++;
        expect(replyLines).toEqual([]);
        expect(await client.closed()).toBe('');
      } else if (line.startsWith('= ')) {
        checks++;
        const [word = '', ...rest] = line.slice(2).split(' ');
        const value = rest.join(' ');
        const last = harness.stored.at(-1);
        if (word === 'messages') expect(harness.stored.length).toBe(Number(value));
        else if (word === 'from') expect(last?.message.mailFrom ?? '<>').toBe(value);
        else if (word === 'recipients')
          expect(last?.message.recipients.map((r) => r.rcptTo)).toEqual(value.split('  '));
        else if (word === 'dsn')
          expect(JSON.parse(JSON.stringify([last?.message.dsn, last?.message.recipients.map((r) => r.dsn)]))).toEqual(
            JSON.parse(value),
          );
        else if (word === 'has') expect(last?.bytes.toString('latin1')).toContain(unescape(value));
        else if (word === 'hasnt') expect(last?.bytes.toString('latin1')).not.toContain(unescape(value));
        else throw new Error(`${name}: ${line}`);
      } else if (what !== '! ') throw new Error(`${name}: what is "${line}"?`);
    }
    expect(checks).toBeGreaterThan(0);
    expect(replyLines).toEqual([]);
    client.end();
  });
});
