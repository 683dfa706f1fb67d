import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DataDecoder } from '../../../main/listener/data-decoder.ts';

/** Feeds `wire` in the given chunks; what came out, and what was left over behind the end. */
function run(chunks: readonly string[]) {
  const decoder = new DataDecoder();
  let text = '';
  for (const [i, chunk] of chunks.entries()) {
    const octets = Buffer.from(chunk, 'latin1');
    const end = decoder.decode(octets, (part) => (text += Buffer.from(part).toString('latin1')));
    if (end >= 0)
      return { decoder, text, ended: true, rest: octets.toString('latin1', end) + chunks.slice(i + 1).join('') };
  }
  return { decoder, text, ended: false, rest: '' };
}

/** All ways to cut into two, and octet by octet. */
function cuts(wire: string): string[][] {
  const two = Array.from({ length: wire.length - 1 }, (_, i) => [wire.slice(0, i + 1), wire.slice(i + 1)]);
  return [[wire], Array.from(wire, (octet) => octet), ...two];
}

// End-of-data look-alikes: none of them ends a message, each makes it refused.
const LOOKALIKES = [
  '\n.\n',
  '\n.\r\n',
  '\r\n.\n',
  '\r.\r',
  '\r.\r\n',
  '\r\n.\r',
  '\r.\n',
  '\n.\r',
  '\n\n.\n',
  '\r\r.\r\r',
  '\r\n\n.\n',
  '\r\n.\r\r\n',
  '\n\r.\n\r',
  '\r\n\r.\r\n',
  '\n.\n\n',
  '\r\n.\n\r\n',
  '\r\n.\r.\r\n',
  '\r\n.\0\r\n\n',
  '\n..\n',
  '\r\r\n.\n',
];

describe('smuggling', () => {
  test.each(LOOKALIKES.map((text) => [JSON.stringify(text), text]))(
    '%s does not end a message at any chunk boundary, and spoils it',
    (_name, lookalike) => {
      for (const chunks of cuts(`Subject: x\r\n\r\na${lookalike}MAIL FROM:<evil@example.test>\r\n.\r\nREST`)) {
        const { decoder, ended, rest } = run(chunks);
        expect(ended).toBe(true);
        expect(rest).toBe('REST');
        expect(decoder.bareNewline).toBe(true);
      }
    },
  );

  test('a message that begins with a look-alike is spoiled too', () => {
    for (const start of ['.\n', '.\r', '\n.\r\n', '\r.\r\n']) {
      for (const chunks of cuts(`${start}x\r\n.\r\nREST`)) {
        const { decoder, rest } = run(chunks);
        expect(rest).toBe('REST');
        expect(decoder.bareNewline).toBe(true);
      }
    }
  });
});

test.each([
  ['empty', '.\r\n', ''],
  ['one line', 'a\r\n.\r\n', 'a\r\n'],
  ['leading dots', '..\r\n...\r\n.x\r\n..x\r\n.\r\n', '.\r\n..\r\nx\r\n.x\r\n'],
  ['first line is a dot', '..\r\n.\r\n', '.\r\n'],
  ['blank lines', '\r\n\r\n.\r\n', '\r\n\r\n'],
  ['dot inside', 'a.\r\nb.c\r\n.\r\n', 'a.\r\nb.c\r\n'],
  ['NUL and 8 bit', '\0\xff\r\n.\r\n', '\0\xff\r\n'],
])('%s, cut anywhere', (_name, wire, expected) => {
  for (const chunks of cuts(`${wire}QUIT\r\n`)) {
    const { decoder, text, rest } = run(chunks);
    expect(text).toBe(expected);
    expect(rest).toBe('QUIT\r\n');
    expect(decoder.bareNewline).toBe(false);
    expect(decoder.octets).toBe(expected.length);
  }
});

test('what a client stuffs comes out as it was, however it is cut', () => {
  const line = fc.string({ unit: fc.constantFrom('.', 'a', ' ', '\xe4', '\0'), maxLength: 5 });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), fc.array(fc.nat(60), { maxLength: 5 }), (lines, at) => {
      const message = lines.map((l) => `${l}\r\n`).join('');
      const wire = `${lines.map((l) => `${l.startsWith('.') ? '.' : ''}${l}\r\n`).join('')}.\r\nNEXT`;
      const points = [...new Set(at.map((n) => n % wire.length))].sort((a, b) => a - b);
      const chunks = [0, ...points]
        .map((from, i) => wire.slice(from, points[i] ?? wire.length))
        .filter((c) => c !== '');
      const result = run(chunks);
      expect(result.text).toBe(message);
      expect(result.rest).toBe('NEXT');
      expect(result.decoder.bareNewline).toBe(false);
    }),
  );
});

test('facts: 8-bit octets and the longest line', () => {
  const plain = run(['abc\r\nabcdef\r\n.\r\n']).decoder;
  expect([plain.has8bit, plain.longestLine]).toEqual([false, 6]);
  const high = run(['ab', '\xe4', 'c', 'defg', '\r\nx\r\n.\r\n']).decoder;
  expect([high.has8bit, high.longestLine]).toEqual([true, 8]);
  // A line without an end counts while it grows.
  expect(run(['x'.repeat(1000), 'x'.repeat(500)]).decoder.longestLine).toBe(1500);
});
