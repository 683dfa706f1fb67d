import { describe, expect, test } from 'vitest';
import { createLocale } from '../../renderer/i18n/locale.tsx';
import { findSettings, searchEntries, type SearchEntry } from '../../renderer/settings/search-index.ts';
import { SETTINGS_PAGES } from '../../renderer/settings/settings-window.tsx';
import { MODES } from '../../shared/settings.ts';

const english = searchEntries(createLocale('en').t);
const german = searchEntries(createLocale('de').t);
const places = (found: readonly SearchEntry[]) => found.map(({ page, setting }) => `${page}/${setting}`);
const entry = (label: string, help = '', setting = 'x'): SearchEntry => ({ page: 'general', setting, label, help });

describe('what can be found', () => {
  test.each(['en', 'de'] as const)('%s: everything has words, and stands on a page that there is', (language) => {
    for (const one of language === 'en' ? english : german) {
      expect(SETTINGS_PAGES, one.setting).toContain(one.page);
      expect(one.label, one.setting).not.toMatch(/^$|^setting\.|\.label$/);
      expect(one.help, one.setting).not.toMatch(/^$|^setting\.|\.help$/);
    }
  });
  test('each mode, all pages, and both languages the same', () => {
    expect(english.filter(({ setting }) => setting === 'gateways.mode')).toHaveLength(MODES.length);
    expect(new Set(english.map(({ page }) => page))).toEqual(new Set(SETTINGS_PAGES));
    expect(places(german)).toEqual(places(english));
  });
});

describe('finding', () => {
  test.each([
    ['nothing typed', '', []],
    ['blanks only', '  \t ', []],
    ['a word of a label', 'proxy', ['connection/connection.proxy']],
    ['whatever its case', 'PROXY', ['connection/connection.proxy']],
    ['a word of a help text', 'socks', ['connection/connection.proxy']],
    ['the name in the settings file', 'headStartMs', ['gateways/gateways.headStartMs']],
    ['all words, in any order', 'detected connection cannot', ['dial-up/dialUp.requireConnection']],
    ['words of which one is missing', 'proxy zebra', []],
    ['characters that mean something elsewhere', '.*', []],
  ])('%s: “%s”', (_what, typed, expected) => expect(places(findSettings(english, typed))).toEqual(expected));

  test('with umlauts or without', () => {
    expect(findSettings(german, 'wählen').length).toBeGreaterThan(0);
    expect(findSettings(german, 'wahlen')).toEqual(findSettings(german, 'wählen'));
  });
  test('what has the word in its label comes first, else the order stays', () => {
    const list = [entry('One', 'port'), entry('Port'), entry('Two', 'port'), entry('Portal')];
    expect(findSettings(list, 'port').map(({ label }) => label)).toEqual(['Port', 'Portal', 'One', 'Two']);
  });
  test('nothing is found twice', () => {
    const found = findSettings(english, 'mail');
    expect(new Set(found).size).toBe(found.length);
  });
});
