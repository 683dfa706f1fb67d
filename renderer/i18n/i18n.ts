/** Words of the windows: i18next over one catalogue per language. */
import i18next, { type i18n, type TFunction } from 'i18next';
import { initReactI18next, useTranslation } from 'react-i18next';
import { de } from './de.ts';
import { en } from './en.ts';

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'translation';
    resources: { readonly translation: typeof en };
  }
}

export type Say = TFunction;

/** A fresh instance: no global state, so that tests and windows do not meet. */
export function createI18n(language: string): i18n {
  const instance = i18next.createInstance();
  void instance.use(initReactI18next).init({
    lng: language,
    fallbackLng: 'en',
    resources: { en: { translation: en }, de: { translation: de } },
    // React escapes what it shows.
    interpolation: { escapeValue: false },
    initAsync: false,
  });
  return instance;
}

/** The translator of this window. */
export function useSay(): Say {
  return useTranslation().t;
}

/** The language that the words of this window are in. */
export function useLanguage(): 'en' | 'de' {
  return /^de\b/i.test(useTranslation().i18n.language) ? 'de' : 'en';
}
