import { describe, expect, it } from 'vitest';
import { decodeXtext, encodeXtext } from '../../../main/message/xtext.ts';

describe('xtext', () => {
  it.each([
    ['plain', 'plain'],
    ['a+b=c', 'a+2Bb+3Dc'],
    ['two words', 'two+20words'],
    ['ü', '+C3+BC'],
  ])('%j is written %j', (text, encoded) => {
    expect(encodeXtext(text)).toBe(encoded);
  });

  it.each<[string, boolean, string | null]>([
    ['a+2Bb+3Dc', false, 'a+b=c'],
    ['two+20words', false, 'two words'],
    ['a+2bc', false, null],
    ['a=b', false, null],
    ['two words', false, null],
    ['line+0Aend', false, null],
    ['ü', false, null],
    ['ü', true, 'ü'],
    ['', false, ''],
  ])('%j (UTF-8 allowed: %j) is read as %j', (encoded, utf8, text) => {
    expect(decodeXtext(encoded, utf8)).toBe(text);
  });
});
