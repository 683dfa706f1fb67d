/** Colours: our own brand ramp on Fluent's themes; which theme applies follows the setting and the system. */
import {
  createDarkTheme,
  createLightTheme,
  teamsHighContrastTheme,
  type BrandVariants,
  type Theme,
} from '@fluentui/react-components';
import { useSyncExternalStore } from 'react';
import type { Settings } from '../shared/settings.ts';

/** A blue-green. White text on 80 has a contrast of more than 4.5:1. */
const ink: BrandVariants = {
  10: '#02171d',
  20: '#062831',
  30: '#093744',
  40: '#0b4555',
  50: '#0d5265',
  60: '#0e5f74',
  70: '#106b82',
  80: '#147a92',
  90: '#2d8aa1',
  100: '#469aaf',
  110: '#5faabd',
  120: '#79b9ca',
  130: '#94c8d6',
  140: '#afd7e2',
  150: '#cae6ed',
  160: '#e5f4f8',
};

const fontFamilyBase =
  "'Segoe UI Variable Text', 'Segoe UI', -apple-system, BlinkMacSystemFont, 'Inter', 'Cantarell', 'Ubuntu', 'Noto Sans', 'Liberation Sans', sans-serif";
const fontFamilyMonospace =
  "'Cascadia Mono', Consolas, 'SF Mono', Menlo, 'DejaVu Sans Mono', 'Liberation Mono', monospace";

const light: Theme = { ...createLightTheme(ink), fontFamilyBase, fontFamilyMonospace };
const plainDark = createDarkTheme(ink);
const dark: Theme = {
  ...plainDark,
  fontFamilyBase,
  fontFamilyMonospace,
  // The ramp's dark foregrounds are a step too dark for small text on the dark background.
  colorBrandForeground1: ink[120],
  colorBrandForeground2: ink[130],
  colorBrandForegroundLink: ink[120],
  colorBrandForegroundLinkHover: ink[140],
  colorNeutralForeground2BrandHover: ink[120],
};
const contrast: Theme = { ...teamsHighContrastTheme, fontFamilyBase, fontFamilyMonospace };

function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (changed) => {
      const list = window.matchMedia(query);
      list.addEventListener('change', changed);
      return () => {
        list.removeEventListener('change', changed);
      };
    },
    () => window.matchMedia(query).matches,
  );
}

export interface Appearance {
  readonly theme: Theme;
  readonly scheme: 'light' | 'dark';
}

/**
 * The theme of this moment. Forced colours (Windows high contrast) are applied by the browser over either theme; a plain
 * wish for more contrast gets the high-contrast theme.
 */
export function useAppearance(setting: Settings['general']['theme']): Appearance {
  const systemDark = useMedia('(prefers-color-scheme: dark)');
  const more = useMedia('(prefers-contrast: more) and (forced-colors: none)');
  const scheme = setting === 'system' ? (systemDark ? 'dark' : 'light') : setting;
  if (more) return { theme: contrast, scheme: 'dark' };
  return { theme: scheme === 'dark' ? dark : light, scheme };
}
