import { Text, tokens } from '@fluentui/react-components';
import { useStatus } from '../status.ts';
import { Group, ListSetting, NumberSetting, PageTitle, SwitchSetting } from './fields.tsx';
import { useSettings } from './use-setting.ts';
import { useLocale } from '../i18n/locale.tsx';

export function DialUpPage() {
  const { t, phraseText } = useLocale();
  const { dialUp } = useSettings();
  const state = useStatus()?.dialUp;
  const now =
    state === undefined
      ? ''
      : state.active.length > 0
        ? t('dialUp.active', { names: state.active.join(', ') })
        : t('dialUp.inactive');
  return (
    <>
      <PageTitle title={t('settings.page.dial-up')} help={t('dialUp.help')} />
      <Group>
        <Text role="status" style={{ color: tokens.colorNeutralForeground3 }}>
          {now}
          {state?.lastAction !== undefined && state.lastAction !== null && ` ${phraseText(state.lastAction)}`}
        </Text>
        <SwitchSetting path="dialUp.requireConnection" />
        <SwitchSetting path="dialUp.sendOnConnect" />
        <ListSetting path="dialUp.connections" split={/[\n;]+/} />
      </Group>
      <Group title={t('dialUp.dialing')}>
        <SwitchSetting path="dialUp.dial" />
        {dialUp.dial && <NumberSetting path="dialUp.dialEveryMinutes" unit={t('unit.minutes')} />}
        <SwitchSetting path="dialUp.hangUp" />
      </Group>
    </>
  );
}
