/** Facts of the engine, said in the language of the window. */
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { german } from '../../shared/catalogue/de.ts';
import type { Phrase } from '../../shared/mail.ts';
import { english, say, type Catalogue } from '../../shared/phrases.ts';

/** The engine's words for a locale (BCP 47): German for German ones, else English; numbers and times as the locale has them. */
export function catalogueFor(locale: string): Catalogue {
  if (/^de\b/i.test(locale)) return { ...german, locale };
  return /^en\b/i.test(locale) ? { ...english, locale } : english;
}

/** Says one phrase in the language of this window. */
export function usePhrase(): (phrase: Phrase) => string {
  const { language } = useTranslation().i18n;
  return useMemo(() => {
    const catalogue = catalogueFor(language);
    return (phrase) => say(phrase, catalogue);
  }, [language]);
}
