import { useSay } from '../i18n/i18n.ts';
import { Group, ListSetting, NumberSetting, PageTitle, SwitchSetting, TextSetting } from './fields.tsx';
import { ListenerUsers } from './listener-users.tsx';
import { useSettings } from './use-setting.ts';

export function ServerPage() {
  const say = useSay();
  const { server } = useSettings();
  return (
    <>
      <PageTitle title={say('settings.page.server')} help={say('server.help')} />
      <Group title={say('server.listening')}>
        <NumberSetting path="server.port" />
        <ListSetting path="server.host" placeholder="127.0.0.1" />
        <TextSetting path="server.hostname" />
        <NumberSetting path="server.maxMessageBytes" unit={say('unit.mebibytes')} factor={1024 * 1024} />
      </Group>
      <Group title={say('server.access')}>
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
      <Group title={say('server.refusing')}>
        <ListSetting path="server.blockedRecipients" placeholder="example.com" />
        <SwitchSetting path="server.refuseSendersWithoutMx" />
      </Group>
    </>
  );
}
