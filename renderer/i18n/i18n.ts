/** Words of the windows: i18next over one catalogue per language. */
import i18next, { type i18n, type TFunction } from 'i18next';
import { initReactI18next, useTranslation } from 'react-i18next';
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
    resources: { en: { translation: en } },
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
