/** The locale of this window, and time as it passes. */
import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from 'react';
import { createFormat, type Format } from './format.ts';

const FormatContext = createContext<Format>(createFormat('en'));

export function LocaleProvider({ locale, children }: { readonly locale: string; readonly children: ReactNode }) {
  const format = useMemo(() => createFormat(locale), [locale]);
  return <FormatContext.Provider value={format}>{children}</FormatContext.Provider>;
}

export function useFormat(): Format {
  return useContext(FormatContext);
}

/** The present time, renewed every `everyMs` while the window is visible. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) setNow(Date.now());
    }, everyMs);
    return () => {
      clearInterval(timer);
    };
  }, [everyMs]);
  return now;
}
