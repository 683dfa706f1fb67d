/** One bundle for all windows: the address behind # says which one this is. */
import { createDOMRenderer, FluentProvider, RendererProvider } from '@fluentui/react-components';
import { useEffect, useMemo, useState, useSyncExternalStore, type ReactNode } from 'react';
import { I18nextProvider } from 'react-i18next';
import type { Bridge } from '../shared/ipc-contract.ts';
import { BridgeProvider, drop } from './bridge.ts';
import { createI18n } from './i18n/i18n.ts';
import { LocaleProvider } from './i18n/locale.tsx';
import { NoticesProvider } from './notices.tsx';
import { QueueView } from './queue/queue-view.tsx';
import { SettingsProvider, useSettingsStore } from './settings-store.tsx';
import { SettingsWindow } from './settings/settings-window.tsx';
import { StatusProvider } from './status.tsx';
import { useAppearance } from './theme.ts';

/** The nonce of the page's content security policy: only styles that this bundle makes apply. */
const styleRenderer = createDOMRenderer(document, { styleElementAttributes: { nonce: 'postcast' } });

function subscribeHash(changed: () => void): () => void {
  window.addEventListener('hashchange', changed);
  return () => {
    window.removeEventListener('hashchange', changed);
  };
}

function Themed({ children }: { readonly children: ReactNode }) {
  const { settings } = useSettingsStore();
  const { theme, scheme } = useAppearance(settings?.general.theme ?? 'system');
  useEffect(() => {
    document.documentElement.style.colorScheme = scheme;
  }, [scheme]);
  return (
    <FluentProvider theme={theme} style={{ height: '100%' }}>
      {children}
    </FluentProvider>
  );
}

function Page() {
  const hash = useSyncExternalStore(subscribeHash, () => window.location.hash);
  const [, kind, page] = hash.replace(/^#/, '').split('/');
  if (kind === 'settings') return <SettingsWindow page={page ?? 'gateways'} />;
  return <QueueView />;
}

function Localised({ children }: { readonly children: ReactNode }) {
  const { settings } = useSettingsStore();
  const language = settings?.general.language ?? '';
  const locale = language === '' ? navigator.language : language;
  const i18n = useMemo(() => createI18n(locale), [locale]);
  useEffect(() => {
    document.documentElement.lang = locale;
  }, [locale]);
  return (
    <I18nextProvider i18n={i18n}>
      <LocaleProvider locale={locale}>{children}</LocaleProvider>
    </I18nextProvider>
  );
}

export function App({ bridge }: { readonly bridge: Bridge }) {
  const [ready, setReady] = useState(false);
  useEffect(() => {
    const stop = bridge.on('window:show-page', ({ page }) => {
      window.location.hash = `#/settings/${page}`;
    });
    drop(
      bridge.call('app.info', {}).then((result) => {
        if (result.ok) document.documentElement.dataset['platform'] = result.value.platform;
        setReady(true);
      }),
    );
    return stop;
  }, [bridge]);
  if (!ready) return null;
  return (
    <RendererProvider renderer={styleRenderer} targetDocument={document}>
      <BridgeProvider value={bridge}>
        <SettingsProvider>
          <Localised>
            <Themed>
              <NoticesProvider>
                <StatusProvider>
                  <Page />
                </StatusProvider>
              </NoticesProvider>
            </Themed>
          </Localised>
        </SettingsProvider>
      </BridgeProvider>
    </RendererProvider>
  );
}
