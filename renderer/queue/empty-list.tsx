/** Shown in place of the table: the folder is empty, nothing was found, or the queue cannot be read. */
import { Button, makeStyles, Text, tokens } from '@fluentui/react-components';
import {
  ArrowTurnUpLeft48Regular,
  Delete48Regular,
  ErrorCircle48Regular,
  MailRead48Regular,
  Search48Regular,
  Send48Regular,
  Warning48Regular,
} from '@fluentui/react-icons';
import type { ComponentType } from 'react';
import type { Folder } from '../../shared/mail.ts';
import type { Failure } from '../../shared/result.ts';
import { useSettingsStore } from '../settings-store.tsx';
import { useStatus } from '../status.ts';
import { useLocale } from '../i18n/locale.tsx';

const useStyles = makeStyles({
  place: {
    flexGrow: 1,
    display: 'flex',
    flexDirection: 'column',
    alignItems: 'center',
    justifyContent: 'center',
    rowGap: '6px',
    padding: '24px',
    textAlign: 'center',
    minHeight: 0,
    overflow: 'auto',
  },
  icon: { color: tokens.colorNeutralForeground4, '& svg': { width: '40px', height: '40px' } },
  words: { color: tokens.colorNeutralForeground3, maxWidth: '440px', textAlign: 'center' },
  button: { marginTop: '8px' },
});

const ICONS: Readonly<Record<Folder, ComponentType>> = {
  outbox: Send48Regular,
  sent: MailRead48Regular,
  bad: ErrorCircle48Regular,
  bounced: ArrowTurnUpLeft48Regular,
  deleted: Delete48Regular,
};

interface Props {
  readonly folder: Folder;
  readonly search: string;
  readonly failure: Failure | null;
  readonly onRetry: () => void;
  readonly onClear: () => void;
}

export function EmptyList({ folder, search, failure, onRetry, onClear }: Props) {
  const styles = useStyles();
  const { t, failureText } = useLocale();
  const listener = useStatus()?.listener;
  const unconfigured = useSettingsStore().settings?.gateways.list.length === 0;
  if (failure !== null) {
    return (
      <div className={styles.place} role="alert">
        <span className={styles.icon} aria-hidden>
          <Warning48Regular />
        </span>
        <Text weight="semibold">{t('queue.unreadable')}</Text>
        <Text className={styles.words}>{failureText(failure)}</Text>
        <Button className={styles.button} onClick={onRetry}>
          {t('common.tryAgain')}
        </Button>
      </div>
    );
  }
  if (search !== '') {
    return (
      <div className={styles.place} role="status">
        <span className={styles.icon} aria-hidden>
          <Search48Regular />
        </span>
        <Text weight="semibold">{t('queue.nothingFound', { folder: t(`folder.${folder}`) })}</Text>
        <Text className={styles.words}>{t('queue.nothingFoundHelp')}</Text>
        <Button className={styles.button} onClick={onClear}>
          {t('queue.clearSearch')}
        </Button>
      </div>
    );
  }
  const Icon = ICONS[folder];
  return (
    <div className={styles.place} role="status">
      <span className={styles.icon} aria-hidden>
        <Icon />
      </span>
      <Text weight="semibold">{t(`empty.${folder}`)}</Text>
      <Text className={styles.words}>
        {folder === 'outbox' && listener?.kind === 'listening'
          ? t('empty.outboxListening', { host: 'localhost', port: String(listener.port) })
          : t(`empty.${folder}Help`)}
      </Text>
      {folder === 'outbox' && unconfigured && (
        <Button
          className={styles.button}
          onClick={() => {
            window.location.hash = '#/welcome';
          }}
        >
          {t('action.setUp')}
        </Button>
      )}
    </div>
  );
}
