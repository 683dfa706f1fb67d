import { useSay } from '../i18n/i18n.ts';
import { Group, ListSetting, NumbersSetting, NumberSetting, PageTitle, TextSetting } from './fields.tsx';
import { LanHosts } from './lan-hosts.tsx';

export function ConnectionPage() {
  const say = useSay();
  return (
    <>
      <PageTitle title={say('settings.page.connection')} help={say('connection.help')} />
      <Group title={say('connection.sending')}>
        <NumberSetting path="connection.maxOutgoing" />
        <NumberSetting path="connection.serverTimeoutSeconds" unit={say('unit.seconds')} />
        <NumberSetting path="connection.directPort" />
        <NumbersSetting path="connection.retryMinutes" />
        <TextSetting path="connection.proxy" placeholder="socks5://localhost:1080" />
      </Group>
      <Group title={say('connection.dns')}>
        <ListSetting path="connection.dnsServers" placeholder="192.168.1.1" />
        <NumberSetting path="connection.dnsTimeoutSeconds" unit={say('unit.seconds')} />
      </Group>
      <Group title={say('connection.lan')} anchor="connection.lanHosts">
        <LanHosts />
      </Group>
    </>
  );
}
