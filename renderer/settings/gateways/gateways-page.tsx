/** Settings ▸ SMTP Gateways. */
import { Button, makeStyles, Text, tokens } from '@fluentui/react-components';
import { Add20Regular, Router24Regular } from '@fluentui/react-icons';
import { useState } from 'react';
import type { GatewaySettings } from '../../../shared/settings.ts';
import { fireAndForget } from '../../bridge.ts';
import { useNotices } from '../../notices.tsx';
import { Group, NumberSetting, PageTitle } from '../fields.tsx';
import { useSettingsStore } from '../../settings-store.tsx';
import { useSettings } from '../use-setting.ts';
import { GatewayDialog } from './gateway-dialog.tsx';
import { GatewayList } from './gateway-list.tsx';
import { ModeChoice } from './mode-choice.tsx';
import { blankGateway, withGateway } from './order.ts';
import { PathDiagram } from './path-diagram.tsx';
import { NOTHING_STORED } from './stored-secret.ts';
import { useLocale } from '../../i18n/locale.tsx';
import { useAnswer } from '../../server-cache.ts';

const useStyles = makeStyles({
  head: { display: 'flex', alignItems: 'center', justifyContent: 'space-between' },
  none: {
    display: 'flex',
    flexDirection: 'column',
    alignItems: 'center',
    rowGap: '6px',
    padding: '28px',
    textAlign: 'center',
    color: tokens.colorNeutralForeground3,
    border: `1px dashed ${tokens.colorNeutralStroke1}`,
    borderRadius: tokens.borderRadiusLarge,
  },
});

export function GatewaysPage() {
  const styles = useStyles();
  const { t } = useLocale();
  const notices = useNotices();
  const { save } = useSettingsStore();
  const { list } = useSettings().gateways;
  const states = useAnswer('gateways.states', {}).value?.states ?? [];
  const [editing, setEditing] = useState<{ readonly gateway: GatewaySettings; readonly isNew: boolean } | null>(null);

  const put = async (next: readonly GatewaySettings[]) => {
    if (next === list) return true;
    const problems = await save([{ path: 'gateways.list', value: next }]);
    if (problems[0] !== undefined) notices.failed(t('gateways.notSaved'), problems[0].message);
    return problems.length === 0;
  };
  const remove = async (gateway: GatewaySettings) => {
    const before = list;
    if (await put(list.filter((one) => one.id !== gateway.id))) {
      notices.done(t('gateways.deleted', { name: gateway.name }), () => fireAndForget(put(before)));
    }
  };
  return (
    <>
      <PageTitle title={t('settings.page.gateways')} help={t('gateways.help')} />
      <Group title={t('gateways.when')} anchor="gateways.mode">
        <ModeChoice />
        <PathDiagram />
      </Group>
      <Group anchor="gateways.list">
        <ListHead onAdd={() => setEditing({ gateway: blankGateway(list), isNew: true })} />
        {list.length === 0 ? (
          <div className={styles.none}>
            <Router24Regular aria-hidden />
            <Text weight="semibold">{t('gateways.none')}</Text>
            <Text>{t('gateways.noneHelp')}</Text>
          </div>
        ) : (
          <GatewayList
            list={list}
            states={states}
            onList={(next) => fireAndForget(put(next))}
            onEdit={(gateway) => setEditing({ gateway, isNew: false })}
            onDelete={(gateway) => fireAndForget(remove(gateway))}
          />
        )}
      </Group>
      <Group title={t('gateways.switching')}>
        <NumberSetting path="gateways.headStartMs" unit={t('unit.milliseconds')} />
      </Group>
      {editing !== null && (
        <GatewayDialog
          key={editing.gateway.id}
          gateway={editing.gateway}
          isNew={editing.isNew}
          stored={states.find((state) => state.id === editing.gateway.id) ?? NOTHING_STORED}
          onSave={(gateway) => put(withGateway(list, gateway))}
          onClose={() => setEditing(null)}
        />
      )}
    </>
  );
}

function ListHead({ onAdd }: { readonly onAdd: () => void }) {
  const styles = useStyles();
  const { t } = useLocale();
  return (
    <div className={styles.head}>
      <div>
        <Text as="h2" size={400} weight="semibold" style={{ margin: 0, display: 'block' }}>
          {t('gateways.list')}
        </Text>
        <Text size={200} style={{ color: tokens.colorNeutralForeground3 }}>
          {t('gateways.listHelp')}
        </Text>
      </div>
      <Button appearance="primary" icon={<Add20Regular />} onClick={onAdd}>
        {t('gateways.add')}
      </Button>
    </div>
  );
}
