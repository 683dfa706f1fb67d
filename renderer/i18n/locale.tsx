/** The one translator of a window: its own words, the engine's phrases, failures, numbers and dates in one language. */
import i18next, { type TFunction } from 'i18next';
import { createContext, useContext, useMemo, type ReactNode } from 'react';
import { german } from '../../shared/catalogue/de.ts';
import type { Phrase } from '../../shared/mail.ts';
import { english, say, type Catalogue } from '../../shared/phrases.ts';
import type { Failure } from '../../shared/result.ts';
import { de } from './de.ts';
import { en } from './en.ts';
import { createFormat, type Format } from './format.ts';

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'translation';
    resources: { readonly translation: typeof en };
  }
}

/** The text for a key of the window's catalogues (en.ts, de.ts). */
export type Translate = TFunction;

export interface Locale {
  readonly t: Translate;
  /** The sentence for a phrase of the engine. */
  readonly phraseText: (phrase: Phrase) => string;
  /** Why a call failed. English is what the engine said; other languages say what its code means, if that is known. */
  readonly failureText: (failure: Failure) => string;
  readonly format: Format;
  /** The language of the words; numbers and dates are written as the whole locale has them. */
  readonly language: 'en' | 'de';
}

/** The engine's phrases: German for German locales, else English. */
function phrasesFor(tag: string): Catalogue {
  if (/^de\b/i.test(tag)) return { ...german, locale: tag };
  return /^en\b/i.test(tag) ? { ...english, locale: tag } : english;
}

/** @param tag BCP 47; a language that there are no words for has English ones */
export function createLocale(tag: string): Locale {
  const i18n = i18next.createInstance();
  void i18n.init({
    lng: tag,
    fallbackLng: 'en',
    resources: { en: { translation: en }, de: { translation: de } },
    // React escapes what it shows.
    interpolation: { escapeValue: false },
    initAsync: false,
  });
  const { t } = i18n;
  const phrases = phrasesFor(tag);
  return {
    t,
    phraseText: (phrase) => say(phrase, phrases),
    failureText: ({ code, message }) =>
      /^en\b/i.test(tag) || !Object.hasOwn(en.failure, code)
        ? message
        : t(`failure.${code as keyof typeof en.failure}`),
    format: createFormat(tag),
    language: /^de\b/i.test(tag) ? 'de' : 'en',
  };
}

const LocaleContext = createContext<Locale | null>(null);

/** @param locale BCP 47 tag */
export function LocaleProvider({ locale, children }: { readonly locale: string; readonly children: ReactNode }) {
  const value = useMemo(() => createLocale(locale), [locale]);
  return <LocaleContext.Provider value={value}>{children}</LocaleContext.Provider>;
}

/** @throws outside of a LocaleProvider: a mistake in the code */
export function useLocale(): Locale {
  const locale = useContext(LocaleContext);
  if (locale === null) throw new Error('no locale');
  return locale;
}
