/** The five folders with their counts; Bad and Bounced stand out while they hold something that was not looked at. */
import { makeStyles, mergeClasses, tokens } from '@fluentui/react-components';
import {
  ArrowTurnUpLeft20Regular,
  DataBarVertical20Regular,
  Delete20Regular,
  ErrorCircle20Regular,
  MailArrowUp20Regular,
  MailCheckmark20Regular,
} from '@fluentui/react-icons';
import type { ComponentType } from 'react';
import { FOLDERS, type Folder, type FolderCounts } from '../../shared/mail.ts';
import { useNavItemStyles } from '../components/nav-item.ts';
import { useLocale } from '../i18n/locale.tsx';

const useStyles = makeStyles({
  // As wide as the longest name with its numbers wants it, in any language; only beyond that a name is broken.
  nav: {
    boxSizing: 'border-box',
    width: 'max-content',
    minWidth: '204px',
    maxWidth: '304px',
    flexShrink: 0,
    padding: '8px',
    display: 'flex',
    flexDirection: 'column',
    rowGap: '2px',
    '& svg': { flexShrink: 0 },
  },
  name: {
    flexGrow: 1,
    minWidth: 0,
    overflowWrap: 'anywhere',
    // As wide as the bold text: going to another folder does not move the table.
    '::after': {
      content: 'attr(data-words)',
      display: 'block',
      height: 0,
      overflow: 'hidden',
      visibility: 'hidden',
      fontWeight: tokens.fontWeightSemibold,
    },
  },
  count: {
    color: tokens.colorNeutralForeground3,
    fontVariantNumeric: 'tabular-nums',
    fontWeight: tokens.fontWeightRegular,
  },
  gap: { margin: '8px 10px', borderTop: `1px solid ${tokens.colorNeutralStroke2}` },
  unseen: { fontWeight: tokens.fontWeightSemibold, color: tokens.colorNeutralForeground1 },
  fresh: {
    minWidth: '18px',
    paddingInline: '5px',
    borderRadius: '9px',
    fontSize: tokens.fontSizeBase200,
    lineHeight: '18px',
    textAlign: 'center',
    fontWeight: tokens.fontWeightSemibold,
    backgroundColor: tokens.colorStatusDangerBackground3,
    color: tokens.colorNeutralForegroundOnBrand,
    '@media (forced-colors: active)': { backgroundColor: 'transparent', outline: '1px solid currentColor' },
  },
});

const ICONS: Readonly<Record<Folder, ComponentType>> = {
  outbox: MailArrowUp20Regular,
  sent: MailCheckmark20Regular,
  bad: ErrorCircle20Regular,
  bounced: ArrowTurnUpLeft20Regular,
  deleted: Delete20Regular,
};

interface Props {
  readonly counts: FolderCounts | null;
  /** Null: something else is shown. */
  readonly folder: Folder | null;
  readonly onFolder: (folder: Folder) => void;
  readonly onActivity: () => void;
}

export function FolderList({ counts, folder, onFolder, onActivity }: Props) {
  const styles = useStyles();
  const nav = useNavItemStyles();
  const { t, format } = useLocale();
  return (
    <nav className={styles.nav} aria-label={t('queue.folders')}>
      {FOLDERS.map((name) => {
        const Icon = ICONS[name];
        const unseen =
          counts === null ? 0 : name === 'bad' ? counts.unseenBad : name === 'bounced' ? counts.unseenBounced : 0;
        const count = counts?.[name] ?? 0;
        return (
          <button
            key={name}
            type="button"
            aria-current={name === folder ? 'page' : undefined}
            className={mergeClasses(nav.item, unseen > 0 && styles.unseen, name === folder && nav.here)}
            onClick={() => onFolder(name)}
          >
            <Icon />
            <span className={styles.name} data-words={t(`folder.${name}`)}>
              {t(`folder.${name}`)}
            </span>
            {unseen > 0 && (
              <span className={styles.fresh} title={t('queue.unseen', { count: unseen })}>
                <span aria-hidden>{format.number(unseen)}</span>
                <span style={{ position: 'absolute', width: 1, height: 1, overflow: 'hidden', clipPath: 'inset(50%)' }}>
                  {t('queue.unseen', { count: unseen })}
                </span>
              </span>
            )}
            {count > 0 && <span className={styles.count}>{format.number(count)}</span>}
          </button>
        );
      })}
      <span className={styles.gap} />
      <button
        type="button"
        aria-current={folder === null ? 'page' : undefined}
        className={mergeClasses(nav.item, folder === null && nav.here)}
        onClick={onActivity}
      >
        <DataBarVertical20Regular />
        <span className={styles.name} data-words={t('activity.title')}>
          {t('activity.title')}
        </span>
      </button>
    </nav>
  );
}
