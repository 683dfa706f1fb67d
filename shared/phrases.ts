/** Putting words to phrases: the one formatter for command line, log, reports and windows. Pure. */
import { en } from './catalogue/en.ts';
import type { Phrase } from './mail.ts';

type Key = keyof typeof en;
/** Every phrase that can be said; the forms of a counting phrase are one id. */
export type PhraseId = Key extends infer K ? (K extends `${infer Id}_${'one' | 'other'}` ? Id : K) : never;

/** A language: templates by id, with `_one`, `_other`, … (CLDR plural categories) for phrases that count. */
export interface Catalogue {
  /** BCP 47 tag. */
  readonly locale: string;
  readonly templates: Readonly<Record<string, string>>;
}

/** English, complete by construction. */
export const english: Catalogue = { locale: 'en', templates: en };

/** A phrase with a checked id. */
export function phrase(id: PhraseId, params?: Phrase['params']): Phrase {
  return params === undefined ? { id } : { id, params };
}

/**
 * True if the id is in the catalogue, as it is or in a counting form.
 * @internal for tests
 */
export function isPhraseId(id: string): id is PhraseId {
  return Object.hasOwn(en, id) || Object.hasOwn(en, `${id}_other`);
}

/**
 * The sentence for a phrase. What the catalogue lacks is taken from English; an unknown id is shown as it is, so that
 * nothing is ever silently empty. Parameters named `at` are times, other numbers are written as the locale does.
 */
export function say(phrase: Phrase, catalogue: Catalogue = english): string {
  const template = templateOf(phrase, catalogue) ?? templateOf(phrase, english) ?? phrase.id;
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = phrase.params?.[name];
    if (value === undefined) return whole;
    // A port is a name made of digits: no thousands in it.
    if (typeof value === 'string' || name === 'port') return String(value);
    return name === 'at' ? formatTime(value, catalogue.locale) : new Intl.NumberFormat(catalogue.locale).format(value);
  });
}

/** Several phrases as running text. */
export function sayAll(phrases: readonly Phrase[], catalogue: Catalogue = english): string {
  return phrases.map((each) => say(each, catalogue)).join(' ');
}

function templateOf({ id, params }: Phrase, { locale, templates }: Catalogue): string | undefined {
  const count = params?.['count'];
  const own = (key: string): string | undefined => (Object.hasOwn(templates, key) ? templates[key] : undefined);
  if (typeof count !== 'number') return own(id) ?? own(`${id}_other`);
  return own(`${id}_${new Intl.PluralRules(locale).select(count)}`) ?? own(`${id}_other`) ?? own(id);
}

function formatTime(at: number, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }).format(at);
}
