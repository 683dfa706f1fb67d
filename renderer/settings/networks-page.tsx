/** The networks this computer was connected to: named by the user, forgotten, re-tested. */
import { Badge, Button, Input, makeStyles, Text, tokens } from '@fluentui/react-components';
import { Delete20Regular } from '@fluentui/react-icons';
import { useState } from 'react';
import type { EventName, KnownNetwork } from '../../shared/ipc-contract.ts';
import { drop, useBridge, useLive } from '../bridge.ts';
import { failureText } from '../i18n/failure.ts';
import { useLanguage, useSay } from '../i18n/i18n.ts';
import { usePhrase } from '../i18n/phrase.ts';
import { useFormat, useNow } from '../i18n/locale.tsx';
import { useAttempt, useNotices } from '../notices.tsx';
import { useSettingsStore } from '../settings-store.tsx';
import { useStatus } from '../status.tsx';
import { Group, PageTitle } from './fields.tsx';
import { useSettings } from './use-setting.ts';

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
const EVENTS: readonly EventName[] = ['status:changed', 'settings:changed'];

function NetworkRow({ network, onChanged }: { readonly network: KnownNetwork; readonly onChanged: () => void }) {
  const styles = useStyles();
  const say = useSay();
  const sayPhrase = usePhrase();
  const format = useFormat();
  const now = useNow(60_000);
  const bridge = useBridge();
  const attempt = useAttempt();
  const notices = useNotices();
  const { networkNames } = useSettings().security;
  const { save } = useSettingsStore();
  const [name, setName] = useState(network.givenName ?? '');
  const system = network.systemName ?? say('network.unnamed');
  const rename = () => {
    if (name.trim() === (network.givenName ?? '')) return;
    const { [network.id]: _old, ...others } = networkNames;
    const value = name.trim() === '' ? others : { ...others, [network.id]: name.trim() };
    drop(save([{ path: 'security.networkNames', value }]));
  };
  return (
    <li className={styles.item}>
      <Input
        className={styles.name}
        appearance="filled-darker"
        aria-label={say('networks.name', { name: system })}
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
            {say('networks.current')}
          </Badge>
        ) : (
          say('networks.seen', { when: format.relative(network.lastSeen, now) })
        )}
        {network.directBlocked && ` ${say('networks.blocked')}`}
        {network.names !== undefined && ` ${say(`networks.names.${network.names}`)}`}
      </span>
      {network.current && network.directBlocked && (
        <Button
          size="small"
          onClick={() =>
            drop(
              attempt(say('networks.retestFailed'), bridge.call('networks.retestDirect', {})).then((done) => {
                if (done !== null) notices.done(sayPhrase(done.phrase));
              }),
            )
          }
        >
          {say('networks.retest')}
        </Button>
      )}
      <Button
        appearance="subtle"
        icon={<Delete20Regular />}
        aria-label={say('networks.forget', { name: network.givenName ?? system })}
        title={say('networks.forget', { name: network.givenName ?? system })}
        disabled={network.current}
        onClick={() =>
          drop(
            attempt(say('networks.forgetFailed'), bridge.call('networks.forget', { id: network.id })).then(onChanged),
          )
        }
      />
    </li>
  );
}

export function NetworksPage() {
  const styles = useStyles();
  const say = useSay();
  const language = useLanguage();
  const live = useLive('networks.list', {}, EVENTS);
  const networks = live.value?.networks ?? [];
  const hearing = useStatus()?.network.hearing;
  return (
    <>
      <PageTitle title={say('settings.page.networks')} help={say('networks.help')} />
      <Group anchor="networks">
        {live.failure !== null && <Text role="alert">{failureText(live.failure, say, language)}</Text>}
        {live.value !== null && networks.length === 0 && <Text>{say('networks.none')}</Text>}
        {networks.length > 0 && (
          <ul className={styles.list}>
            {networks.map((network) => (
              <NetworkRow key={network.id} network={network} onChanged={live.reload} />
            ))}
          </ul>
        )}
        {hearing !== undefined && <Text>{say(`networks.hearing.${hearing.by}`, { helper: hearing.helper })}</Text>}
      </Group>
    </>
  );
}
