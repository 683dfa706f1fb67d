/** The lowest line: listener, network, what the queue does, where passwords are kept if that is worth a word. */
import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components';
import {
  ErrorCircle16Regular,
  Globe16Regular,
  LockOpen16Regular,
  PlugConnected16Regular,
  PlugDisconnected16Regular,
  Send16Regular,
} from '@fluentui/react-icons';
import type { ReactNode } from 'react';
import { useStatus } from '../status.ts';
import { useLocale } from '../i18n/locale.tsx';

const useStyles = makeStyles({
  bar: {
    display: 'flex',
    alignItems: 'center',
    columnGap: '20px',
    // What does not fit beside the others is readable below them.
    flexWrap: 'wrap',
    boxSizing: 'border-box',
    minHeight: '31px',
    flexShrink: 0,
    padding: '3px 14px',
    fontSize: tokens.fontSizeBase200,
    color: tokens.colorNeutralForeground3,
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
    whiteSpace: 'nowrap',
    overflow: 'hidden',
  },
  item: {
    display: 'inline-flex',
    alignItems: 'center',
    columnGap: '6px',
    minWidth: 0,
    minHeight: '24px',
    '& svg': { flexShrink: 0 },
  },
  text: { overflow: 'hidden', textOverflow: 'ellipsis' },
  grow: { flexGrow: 1 },
  error: { color: tokens.colorStatusDangerForeground1 },
  wait: { color: tokens.colorStatusWarningForeground1 },
});

function Item({
  icon,
  tone,
  grow,
  children,
}: {
  readonly icon: ReactNode;
  readonly tone?: 'error' | 'wait' | undefined;
  readonly grow?: boolean;
  readonly children: string;
}) {
  const styles = useStyles();
  return (
    <span
      className={mergeClasses(styles.item, tone !== undefined && styles[tone], grow === true && styles.grow)}
      title={children}
    >
      {icon}
      <span className={styles.text}>{children}</span>
    </span>
  );
}

/** @param children what else stands at its end */
export function StatusBar({ children }: { readonly children?: ReactNode }) {
  const styles = useStyles();
  const { t, phraseText } = useLocale();
  const status = useStatus();
  if (status === null) return <footer className={styles.bar} />;
  const { listener, network, state, phrases, sending, secrets } = status;
  const listening =
    listener.kind === 'listening'
      ? t('listener.listening', { port: String(listener.port) })
      : listener.kind === 'failed'
        ? t('listener.failedTitle')
        : t(`listener.${listener.kind}`);
  const network1 = !network.online
    ? t('network.offline')
    : network.portal
      ? t('network.portal', { name: network.name ?? t('network.unnamed') })
      : (network.name ?? t('network.unnamed'));
  const doing = phrases[0] === undefined ? t(`program.${state}`, { count: sending }) : phraseText(phrases[0]);
  return (
    <footer className={styles.bar} aria-label={t('queue.statusBar')}>
      <Item
        icon={
          listener.kind === 'listening' ? (
            <PlugConnected16Regular />
          ) : listener.kind === 'failed' ? (
            <ErrorCircle16Regular />
          ) : (
            <PlugDisconnected16Regular />
          )
        }
        tone={listener.kind === 'failed' ? 'error' : undefined}
      >
        {listening}
      </Item>
      <Item icon={<Globe16Regular />} tone={!network.online || network.portal ? 'wait' : undefined}>
        {network1}
      </Item>
      <span role="status" aria-live="polite" className={mergeClasses(styles.item, styles.grow)}>
        <Item
          icon={<Send16Regular />}
          tone={state === 'attention' ? 'error' : ['idle', 'waiting', 'sending'].includes(state) ? undefined : 'wait'}
        >
          {doing}
        </Item>
      </span>
      {secrets.protection !== 'protected' && (
        <Item icon={<LockOpen16Regular />} tone="wait">
          {t(`secrets.${secrets.protection}`)}
        </Item>
      )}
      {children}
    </footer>
  );
}
