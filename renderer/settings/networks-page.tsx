/** The networks this computer was connected to: named by the user, forgotten, re-tested. */
import { Badge, Button, Input, makeStyles, Text, tokens } from '@fluentui/react-components';
import { Delete20Regular } from '@fluentui/react-icons';
import { useState } from 'react';
import type { KnownNetwork } from '../../shared/ipc-contract.ts';
import { fireAndForget } from '../bridge.ts';
import { useLocale } from '../i18n/locale.tsx';
import { useNow } from '../components/use-now.ts';
import { useCommand, useNotices } from '../notices.tsx';
import { useSettingsStore } from '../settings-store.tsx';
import { Group, PageTitle } from './fields.tsx';
import { useSettings } from './use-setting.ts';
import { useAnswer } from '../server-cache.ts';

const useStyles = makeStyles({
  list: {
    listStyleType: 'none',
    margin: 0,
    padding: 0,
    border: `1px solid ${tokens.colorNeutralStroke2}`,
    borderRadius: tokens.borderRadiusLarge,
  },
  item: {
    display: 'flex',
    alignItems: 'center',
    columnGap: '12px',
    padding: '10px 8px 10px 16px',
    borderBottom: `1px solid ${tokens.colorNeutralStroke3}`,
    ':last-child': { borderBottom: 'none' },
  },
  name: { width: '240px', flexShrink: 1 },
  words: { flexGrow: 1, minWidth: 0, color: tokens.colorNeutralForeground3, fontSize: tokens.fontSizeBase200 },
});

function NetworkRow({ network, onChanged }: { readonly network: KnownNetwork; readonly onChanged: () => void }) {
  const styles = useStyles();
  const { t, phraseText, format } = useLocale();
  const now = useNow(60_000);
  const command = useCommand();
  const notices = useNotices();
  const { networkNames } = useSettings().security;
  const { save } = useSettingsStore();
  const [name, setName] = useState(network.givenName ?? '');
  const system = network.systemName ?? t('network.unnamed');
  const rename = () => {
    if (name.trim() === (network.givenName ?? '')) return;
    const { [network.id]: _old, ...others } = networkNames;
    const value = name.trim() === '' ? others : { ...others, [network.id]: name.trim() };
    fireAndForget(save([{ path: 'security.networkNames', value }]));
  };
  return (
    <li className={styles.item}>
      <Input
        className={styles.name}
        appearance="filled-darker"
        aria-label={t('networks.name', { name: system })}
        placeholder={system}
        maxLength={100}
        value={name}
        onChange={(_, data) => setName(data.value)}
        onBlur={rename}
        onKeyDown={(event) => event.key === 'Enter' && rename()}
      />
      <span className={styles.words}>
        {network.current ? (
          <Badge appearance="tint" color="success">
            {t('networks.current')}
          </Badge>
        ) : (
          t('networks.seen', { when: format.relative(network.lastSeen, now) })
        )}
        {network.directBlocked && ` ${t('networks.blocked')}`}
        {network.names !== undefined && ` ${t(`networks.names.${network.names}`)}`}
      </span>
      {network.current && network.directBlocked && (
        <Button
          size="small"
          onClick={() =>
            fireAndForget(
              command('networks.retestDirect', {}, t('networks.retestFailed')).then((done) => {
                if (done !== null) notices.done(phraseText(done.phrase));
              }),
            )
          }
        >
          {t('networks.retest')}
        </Button>
      )}
      <Button
        appearance="subtle"
        icon={<Delete20Regular />}
        aria-label={t('networks.forget', { name: network.givenName ?? system })}
        title={t('networks.forget', { name: network.givenName ?? system })}
        disabled={network.current}
        onClick={() =>
          fireAndForget(command('networks.forget', { id: network.id }, t('networks.forgetFailed')).then(onChanged))
        }
      />
    </li>
  );
}

export function NetworksPage() {
  const styles = useStyles();
  const { t, failureText } = useLocale();
  const live = useAnswer('networks.list', {});
  const networks = live.value?.networks ?? [];
  return (
    <>
      <PageTitle title={t('settings.page.networks')} help={t('networks.help')} />
      <Group anchor="networks">
        {live.failure !== null && <Text role="alert">{failureText(live.failure)}</Text>}
        {live.value !== null && networks.length === 0 && <Text>{t('networks.none')}</Text>}
        {networks.length > 0 && (
          <ul className={styles.list}>
            {networks.map((network) => (
              <NetworkRow key={network.id} network={network} onChanged={live.reload} />
            ))}
          </ul>
        )}
      </Group>
    </>
  );
}
