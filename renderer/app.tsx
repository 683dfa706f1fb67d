/** One bundle for all windows: the address behind # says which one this is. */
import {
  createDOMRenderer,
  FluentProvider,
  PortalMountNodeProvider,
  RendererProvider,
} from '@fluentui/react-components';
import { QueryClientProvider, type QueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useEffect, useInsertionEffect, useState, useSyncExternalStore, type ReactNode } from 'react';
import type { Bridge } from '../shared/ipc-contract.ts';
import { BridgeProvider } from './bridge.ts';
import { LocaleProvider, useLocale } from './i18n/locale.tsx';
import { NoticesProvider } from './notices.tsx';
import { QueueView } from './queue/queue-view.tsx';
import { SettingsProvider, useSettingsStore } from './settings-store.tsx';
import { useStatus } from './status.ts';
import { useAppearance } from './theme.ts';

// The queue opens without what only the settings and the first run need.
const SettingsWindow = lazy(() =>
  import('./settings/settings-window.tsx').then((module) => ({ default: module.SettingsWindow })),
);
const Welcome = lazy(() => import('./welcome/welcome.tsx').then((module) => ({ default: module.Welcome })));

/** The nonce of the page's content security policy: only styles that this bundle makes apply. */
const styleRenderer = createDOMRenderer(document, { styleElementAttributes: { nonce: 'postcast' } });

function subscribeHash(changed: () => void): () => void {
  window.addEventListener('hashchange', changed);
  return () => {
    window.removeEventListener('hashchange', changed);
  };
}

/** Menus, dialogs and notices are drawn into a landmark of their own, where a screen reader finds them. */
function PopUps({ children }: { readonly children: ReactNode }) {
  const { t } = useLocale();
  const [place, setPlace] = useState<HTMLDivElement | null>(null);
  return (
    <>
      <PortalMountNodeProvider value={place ?? undefined}>{children}</PortalMountNodeProvider>
      <div ref={setPlace} role="region" aria-label={t('common.popUps')} />
    </>
  );
}

function Themed({ children }: { readonly children: ReactNode }) {
  const { settings } = useSettingsStore();
  const { theme, scheme } = useAppearance(settings?.general.theme ?? 'system');
  // Before anything is laid out: what is set on the root later makes all styles be worked out again.
  useInsertionEffect(() => {
    document.documentElement.style.colorScheme = scheme;
  }, [scheme]);
  return (
    <FluentProvider theme={theme} style={{ height: '100%' }}>
      <PopUps>{children}</PopUps>
    </FluentProvider>
  );
}

/** True once, at the start, for a program that has no gateway, no mail and was not told to skip the first run. */
function useFirstRun(): boolean | null {
  const { settings } = useSettingsStore();
  const status = useStatus();
  const [answer, setAnswer] = useState<boolean | null>(null);
  if (answer !== null) return answer;
  if (settings === null) return null;
  if (settings.general.welcomeDone || settings.gateways.list.length > 0) return false;
  if (status === null) return null;
  const { outbox, sent, bad, bounced, deleted } = status.counts;
  const first = outbox + sent + bad + bounced + deleted === 0;
  // Decided once: what the user does from here on does not close the page.
  setAnswer(first);
  return first;
}

function MainWindow() {
  const first = useFirstRun();
  const [left, setLeft] = useState(false);
  if (first === null) return null;
  if (first && !left) return <Welcome onDone={() => setLeft(true)} />;
  return <QueueView />;
}

function Page() {
  const hash = useSyncExternalStore(subscribeHash, () => window.location.hash);
  const [, kind, page, setting] = hash.replace(/^#/, '').split('/');
  if (kind === 'settings') return <SettingsWindow page={page ?? 'gateways'} setting={setting ?? null} />;
  if (kind === 'welcome') {
    const back = page === 'settings' ? '#/settings/general' : '#/';
    return (
      <Welcome
        onDone={() => {
          window.location.hash = back;
        }}
      />
    );
  }
  return <MainWindow />;
}

function Localised({ children }: { readonly children: ReactNode }) {
  const { settings } = useSettingsStore();
  const language = settings?.general.language ?? '';
  const locale = language === '' ? navigator.language : language;
  useInsertionEffect(() => {
    document.documentElement.lang = locale;
  }, [locale]);
  return <LocaleProvider locale={locale}>{children}</LocaleProvider>;
}

interface Props {
  readonly bridge: Bridge;
  /** createServerCache(bridge); what was prefetched into it is drawn at once. */
  readonly cache: QueryClient;
}

export function App({ bridge, cache }: Props) {
  useEffect(
    () =>
      bridge.on('window:show-page', ({ page }) => {
        window.location.hash = `#/settings/${page}`;
      }),
    [bridge],
  );
  return (
    <RendererProvider renderer={styleRenderer} targetDocument={document}>
      <BridgeProvider value={bridge}>
        <QueryClientProvider client={cache}>
          <SettingsProvider>
            <Localised>
              <Themed>
                <NoticesProvider>
                  <Suspense fallback={null}>
                    <Page />
                  </Suspense>
                </NoticesProvider>
              </Themed>
            </Localised>
          </SettingsProvider>
        </QueryClientProvider>
      </BridgeProvider>
    </RendererProvider>
  );
}
