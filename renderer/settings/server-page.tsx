import { Group, ListSetting, NumberSetting, PageTitle, SwitchSetting, TextSetting } from './fields.tsx';
import { ListenerUsers } from './listener-users.tsx';
import { useSettings } from './use-setting.ts';
import { useLocale } from '../i18n/locale.tsx';

export function ServerPage() {
  const { t } = useLocale();
  const { server } = useSettings();
  return (
    <>
      <PageTitle title={t('settings.page.server')} help={t('server.help')} />
      <Group title={t('server.listening')}>
        <NumberSetting path="server.port" />
        <ListSetting path="server.host" placeholder="127.0.0.1" />
        <TextSetting path="server.hostname" />
        <NumberSetting path="server.maxMessageBytes" unit={t('unit.mebibytes')} factor={1024 * 1024} />
      </Group>
      <Group title={t('server.access')}>
        <ListSetting path="server.allow" placeholder="192.168.1.0/24" />
        <ListSetting path="server.deny" placeholder="192.168.1.66" />
        <SwitchSetting path="server.requireAuth" />
        <div data-setting="users">
          <ListenerUsers />
        </div>
        <SwitchSetting path="server.tls.enabled" />
        {server.tls.enabled && <TextSetting path="server.tls.certFile" />}
        {server.tls.enabled && <TextSetting path="server.tls.keyFile" />}
      </Group>
      <Group title={t('server.refusing')}>
        <ListSetting path="server.blockedRecipients" placeholder="example.com" />
        <SwitchSetting path="server.refuseSendersWithoutMx" />
      </Group>
    </>
  );
}
