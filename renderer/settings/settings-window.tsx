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
import { useEffect, useRef, type ComponentType } from 'react';
import { useSay } from '../i18n/i18n.ts';
import { useSettingsStore } from '../settings-store.tsx';
import { AdministrationPage } from './administration-page.tsx';
import { ConnectionPage } from './connection-page.tsx';
import { DialUpPage } from './dial-up-page.tsx';
import { GatewaysPage } from './gateways/gateways-page.tsx';
import { GeneralPage } from './general-page.tsx';
import { NetworksPage } from './networks-page.tsx';
import { SecurityPage } from './security-page.tsx';
import { ServerPage } from './server-page.tsx';

const useStyles = makeStyles({
  window: { height: '100%', display: 'flex', backgroundColor: tokens.colorNeutralBackground3 },
  nav: {
    width: '196px',
    flexShrink: 0,
    padding: '16px 8px',
    display: 'flex',
    flexDirection: 'column',
    rowGap: '2px',
    overflow: 'auto',
  },
  item: {
    display: 'flex',
    alignItems: 'center',
    columnGap: '10px',
    minHeight: '36px',
    paddingInline: '10px',
    borderRadius: tokens.borderRadiusMedium,
    color: tokens.colorNeutralForeground2,
    textDecorationLine: 'none',
    position: 'relative',
    cursor: 'default',
    ':hover': { backgroundColor: tokens.colorNeutralBackground3Hover },
    ':focus-visible': { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
  here: {
    backgroundColor: tokens.colorNeutralBackground1,
    color: tokens.colorNeutralForeground1,
    boxShadow: tokens.shadow2,
    fontWeight: tokens.fontWeightSemibold,
    '::before': {
      content: '""',
      position: 'absolute',
      insetInlineStart: 0,
      top: '9px',
      bottom: '9px',
      width: '3px',
      borderRadius: '2px',
      backgroundColor: tokens.colorCompoundBrandBackground,
    },
  },
  page: {
    flexGrow: 1,
    minWidth: 0,
    overflow: 'auto',
    scrollbarGutter: 'stable',
    backgroundColor: tokens.colorNeutralBackground1,
    borderLeft: `1px solid ${tokens.colorNeutralStroke2}`,
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

export function SettingsWindow({ page }: { readonly page: string }) {
  const styles = useStyles();
  const say = useSay();
  const { settings } = useSettingsStore();
  const scroll = useRef<HTMLElement>(null);
  const here = SETTINGS_PAGES.find((name) => name === page) ?? 'gateways';
  const Page = PAGES[here].page;
  useEffect(() => {
    scroll.current?.scrollTo(0, 0);
    document.title = `${say(`settings.page.${here}`)} – ${say('settings.title')}`;
  }, [here, say]);
  return (
    <div className={styles.window}>
      <nav className={styles.nav} aria-label={say('settings.title')}>
        {SETTINGS_PAGES.map((name) => {
          const Icon = PAGES[name].icon;
          return (
            <a
              key={name}
              href={`#/settings/${name}`}
              draggable={false}
              aria-current={name === here ? 'page' : undefined}
              className={mergeClasses(styles.item, name === here && styles.here)}
            >
              <Icon />
              {say(`settings.page.${name}`)}
            </a>
          );
        })}
      </nav>
      <main ref={scroll} className={styles.page}>
        <div className={styles.inner}>{settings === null ? <Spinner label={say('common.loading')} /> : <Page />}</div>
      </main>
    </div>
  );
}
