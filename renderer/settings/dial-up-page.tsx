import { Text, tokens } from '@fluentui/react-components';
import { useSay } from '../i18n/i18n.ts';
import { usePhrase } from '../i18n/phrase.ts';
import { useStatus } from '../status.tsx';
import { Group, ListSetting, NumberSetting, PageTitle, SwitchSetting } from './fields.tsx';
import { useSettings } from './use-setting.ts';

export function DialUpPage() {
  const say = useSay();
  const sayPhrase = usePhrase();
  const { dialUp } = useSettings();
  const state = useStatus()?.dialUp;
  const now =
    state === undefined
      ? ''
      : state.active.length > 0
        ? say('dialUp.active', { names: state.active.join(', ') })
        : say('dialUp.inactive');
  return (
    <>
      <PageTitle title={say('settings.page.dial-up')} help={say('dialUp.help')} />
      <Group>
        <Text role="status" style={{ color: tokens.colorNeutralForeground3 }}>
          {now}
          {state?.lastAction !== undefined && state.lastAction !== null && ` ${sayPhrase(state.lastAction)}`}
        </Text>
        <SwitchSetting path="dialUp.requireConnection" />
        <SwitchSetting path="dialUp.sendOnConnect" />
        <ListSetting path="dialUp.connections" split={/[\n;]+/} />
      </Group>
      <Group title={say('dialUp.dialing')}>
        <SwitchSetting path="dialUp.dial" />
        {dialUp.dial && <NumberSetting path="dialUp.dialEveryMinutes" unit={say('unit.minutes')} />}
        <SwitchSetting path="dialUp.hangUp" />
      </Group>
    </>
  );
}
