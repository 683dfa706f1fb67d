import { Group, ListSetting, NumbersSetting, NumberSetting, PageTitle, TextSetting } from './fields.tsx';
import { LanHosts } from './lan-hosts.tsx';
import { useLocale } from '../i18n/locale.tsx';

export function ConnectionPage() {
  const { t } = useLocale();
  return (
    <>
      <PageTitle title={t('settings.page.connection')} help={t('connection.help')} />
      <Group title={t('connection.sending')}>
        <NumberSetting path="connection.maxOutgoing" />
        <NumberSetting path="connection.serverTimeoutSeconds" unit={t('unit.seconds')} />
        <NumberSetting path="connection.directPort" />
        <NumbersSetting path="connection.retryMinutes" />
        <TextSetting path="connection.proxy" placeholder="socks5://localhost:1080" />
      </Group>
      <Group title={t('connection.dns')}>
        <ListSetting path="connection.dnsServers" placeholder="192.168.1.1" />
        <NumberSetting path="connection.dnsTimeoutSeconds" unit={t('unit.seconds')} />
      </Group>
      <Group title={t('connection.lan')} anchor="connection.lanHosts">
        <LanHosts />
      </Group>
    </>
  );
}
