import { describe, expect, it } from 'vitest';
import { ehloName, listenerName } from '../../../main/policy/ehlo-name.ts';

const LINK = ['127.0.0.1', '192.0.2.7'];

describe('the name in EHLO', () => {
  it.each<[setting: string, system: string, addresses: readonly string[], expected: string]>([
    ['Mail.Example.test', 'laptop', LINK, 'Mail.Example.test'],
    ['mail.bücher.test', 'laptop', LINK, 'mail.xn--bcher-kva.test'],
    ['', 'Laptop.Example.test.', LINK, 'laptop.example.test'],
    ['', 'laptop.bücher.test', LINK, 'laptop.xn--bcher-kva.test'],
    ['', 'laptop', LINK, '[192.0.2.7]'],
    ['', 'laptop.local', ['2001:db8::7'], '[IPv6:2001:db8::7]'],
    ['', 'localhost.localdomain', ['fe80::1', '192.0.2.7'], '[192.0.2.7]'],
    ['', 'laptop', ['127.0.0.1'], 'laptop.invalid'],
    ['', 'büro', [], 'xn--bro-hoa.invalid'],
    ['', 'localhost', [], 'postcast.invalid'],
  ])('%j on %j with %j: %s', (setting, system, addresses, expected) => {
    expect(ehloName(setting, system, addresses)).toBe(expected);
  });
});

describe('the name of the listener', () => {
  it.each<[setting: string, system: string, expected: string]>([
    ['Mail.Example.test', 'laptop', 'Mail.Example.test'],
    ['mail.bücher.test', 'laptop', 'mail.xn--bcher-kva.test'],
    ['', 'Laptop', 'laptop'],
    ['', 'büro', 'localhost'],
    ['', 'my laptop', 'localhost'],
    ['', '', 'localhost'],
  ])('%j on %j: %s', (setting, system, expected) => {
    expect(listenerName(setting, system)).toBe(expected);
  });
});
