/** The settings: pages at the side, the chosen one beside them. Every change is saved as it is made. */
import { makeStyles, mergeClasses, Spinner, tokens } from '@fluentui/react-components';
import {
  DocumentBulletListClock20Regular,
  Globe20Regular,
  Options20Regular,
  PhoneDesktop20Regular,
  PlugConnected20Regular,
  Router20Regular,
  Server20Regular,
  Shield20Regular,
} from '@fluentui/react-icons';
import { useEffect, useRef, useState, type ComponentType } from 'react';
import { useFocusRecovery } from '../components/use-focus-recovery.ts';
import { useNavItemStyles } from '../components/nav-item.ts';
import { useSettingsStore } from '../settings-store.tsx';
import { AdministrationPage } from './administration-page.tsx';
import { ConnectionPage } from './connection-page.tsx';
import { DialUpPage } from './dial-up-page.tsx';
import { GatewaysPage } from './gateways/gateways-page.tsx';
import { GeneralPage } from './general-page.tsx';
import { NetworksPage } from './networks-page.tsx';
import { SecurityPage } from './security-page.tsx';
import { ServerPage } from './server-page.tsx';
import { SettingsSearch } from './settings-search.tsx';
import { useLocale } from '../i18n/locale.tsx';

const useStyles = makeStyles({
  window: { height: '100%', display: 'flex', backgroundColor: tokens.colorNeutralBackground3 },
  nav: {
    width: '212px',
    boxSizing: 'border-box',
    flexShrink: 0,
    padding: '16px 8px',
    display: 'flex',
    flexDirection: 'column',
    rowGap: '2px',
    overflow: 'auto',
  },
  page: {
    flexGrow: 1,
    minWidth: 0,
    overflow: 'auto',
    scrollbarGutter: 'stable',
    backgroundColor: tokens.colorNeutralBackground1,
    borderLeft: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  found: {
    '& [data-found]': {
      borderRadius: tokens.borderRadiusMedium,
      animationDuration: '1.6s',
      animationName: {
        from: { boxShadow: `0 0 0 6px ${tokens.colorBrandBackground2}`, backgroundColor: tokens.colorBrandBackground2 },
        to: { boxShadow: '0 0 0 6px transparent', backgroundColor: 'transparent' },
      },
    },
  },
  inner: { maxWidth: '860px', margin: '0 auto', padding: '24px 32px 48px', boxSizing: 'border-box' },
});

export const SETTINGS_PAGES = [
  'gateways',
  'administration',
  'dial-up',
  'server',
  'connection',
  'security',
  'general',
  'networks',
] as const;
export type SettingsPage = (typeof SETTINGS_PAGES)[number];

const PAGES: Readonly<Record<SettingsPage, { readonly icon: ComponentType; readonly page: ComponentType }>> = {
  gateways: { icon: Router20Regular, page: GatewaysPage },
  administration: { icon: DocumentBulletListClock20Regular, page: AdministrationPage },
  'dial-up': { icon: PhoneDesktop20Regular, page: DialUpPage },
  server: { icon: Server20Regular, page: ServerPage },
  connection: { icon: PlugConnected20Regular, page: ConnectionPage },
  security: { icon: Shield20Regular, page: SecurityPage },
  general: { icon: Options20Regular, page: GeneralPage },
  networks: { icon: Globe20Regular, page: NetworksPage },
};

interface Props {
  readonly page: string;
  /** A field of the page to show, as its `data-setting` has it. */
  readonly setting: string | null;
}

/** Scrolls a field into view and focuses it. */
function showSetting(page: HTMLElement | null, setting: string): void {
  const field = page?.querySelector<HTMLElement>(`[data-setting="${CSS.escape(setting)}"]`);
  if (field === null || field === undefined) return;
  field.scrollIntoView({ block: 'center' });
  field.querySelector<HTMLElement>('input, button, select, textarea')?.focus({ preventScroll: true });
  field.setAttribute('data-found', '');
  field.addEventListener('animationend', () => field.removeAttribute('data-found'), { once: true });
}

export function SettingsWindow({ page, setting }: Props) {
  const styles = useStyles();
  const nav = useNavItemStyles();
  const { t } = useLocale();
  const { settings } = useSettingsStore();
  const scroll = useRef<HTMLElement>(null);
  const here = SETTINGS_PAGES.find((name) => name === page) ?? 'gateways';
  const Page = PAGES[here].page;
  const [typed, setTyped] = useState('');
  const searchBox = useRef<HTMLInputElement>(null);
  const read = settings !== null;
  useFocusRecovery(() => document.querySelector<HTMLElement>('nav [aria-current]') ?? searchBox.current);
  useEffect(() => {
    if (setting === null || !read) scroll.current?.scrollTo(0, 0);
    else showSetting(scroll.current, decodeURIComponent(setting));
  }, [here, setting, read]);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== 'f') return;
      event.preventDefault();
      searchBox.current?.focus();
    };
    window.addEventListener('keydown', press);
    return () => {
      window.removeEventListener('keydown', press);
    };
  }, []);
  useEffect(() => {
    document.title = `${t(`settings.page.${here}`)} – ${t('settings.title')}`;
  }, [here, t]);
  return (
    <div className={styles.window}>
      <nav className={styles.nav} aria-label={t('settings.title')}>
        <SettingsSearch typed={typed} onTyped={setTyped} input={searchBox} />
        {(typed.trim() === '' ? SETTINGS_PAGES : []).map((name) => {
          const Icon = PAGES[name].icon;
          return (
            <a
              key={name}
              href={`#/settings/${name}`}
              draggable={false}
              aria-current={name === here ? 'page' : undefined}
              className={mergeClasses(nav.item, name === here && nav.here)}
            >
              <Icon />
              {t(`settings.page.${name}`)}
            </a>
          );
        })}
      </nav>
      <main ref={scroll} className={mergeClasses(styles.page, styles.found)}>
        <div className={styles.inner}>{settings === null ? <Spinner label={t('common.loading')} /> : <Page />}</div>
      </main>
    </div>
  );
}
