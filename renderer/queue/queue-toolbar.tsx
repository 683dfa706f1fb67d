/** Above the table: what can be done with everything, search, columns, settings. */
import {
  Button,
  makeStyles,
  Menu,
  MenuItemCheckbox,
  MenuList,
  MenuPopover,
  MenuTrigger,
  SearchBox,
  tokens,
  ToggleButton,
  Tooltip,
} from '@fluentui/react-components';
import {
  ArrowRepeatAll20Regular,
  Delete20Regular,
  Pause20Regular,
  Play20Regular,
  Send20Regular,
  Settings20Regular,
  TableSettings20Regular,
} from '@fluentui/react-icons';
import type { RefObject } from 'react';
import { SORT_KEYS, type Folder } from '../../shared/mail.ts';
import { fireAndForget, useBridge } from '../bridge.ts';
import { useStatus } from '../status.ts';
import type { Layout } from './layout.ts';
import type { MessageActions } from './use-message-actions.ts';
import { useLocale } from '../i18n/locale.tsx';

const useStyles = makeStyles({
  bar: {
    display: 'flex',
    alignItems: 'center',
    columnGap: '8px',
    '@media (max-width: 1060px)': { columnGap: '4px' },
    padding: '8px 12px 8px 8px',
    flexShrink: 0,
  },
  divider: {
    flexShrink: 0,
    width: '1px',
    height: '20px',
    marginInline: '8px',
    '@media (max-width: 1060px)': { marginInline: '2px' },
    backgroundColor: tokens.colorNeutralStroke2,
  },
  tools: { display: 'flex', alignItems: 'center', flexGrow: 1, columnGap: '2px' },
  // Shrinks before anything else does.
  search: { flex: '0 9 260px', minWidth: '120px' },
  searchBox: { width: '100%', backgroundColor: tokens.colorNeutralBackground1 },
  button: { flexShrink: 0, whiteSpace: 'nowrap', fontWeight: tokens.fontWeightRegular },
  selected: {
    marginInlineStart: '8px',
    color: tokens.colorNeutralForeground3,
    fontSize: tokens.fontSizeBase200,
    lineHeight: tokens.lineHeightBase200,
  },
});

interface Props {
  readonly folder: Folder;
  readonly actions: MessageActions;
  readonly selectedCount: number;
  readonly search: string;
  readonly onSearch: (words: string) => void;
  readonly onLeaveSearch: () => void;
  readonly searchBox: RefObject<HTMLInputElement | null>;
  readonly layout: Layout;
  readonly onLayout: (next: Layout) => void;
}

export function QueueToolbar({
  folder,
  actions,
  selectedCount,
  search,
  onSearch,
  onLeaveSearch,
  searchBox,
  layout,
  onLayout,
}: Props) {
  const styles = useStyles();
  const { t } = useLocale();
  const bridge = useBridge();
  return (
    <header className={styles.bar}>
      <MessageTools folder={folder} actions={actions} selectedCount={selectedCount} />
      <search className={styles.search}>
        <SearchBox
          input={{ ref: searchBox }}
          className={styles.searchBox}
          aria-label={t('queue.search')}
          placeholder={t('queue.search')}
          value={search}
          onChange={(_, data) => onSearch(data.value)}
          onKeyDown={(event) => {
            if (event.key === 'Escape') onSearch('');
            else if (event.key === 'ArrowDown' || event.key === 'Enter') onLeaveSearch();
            else return;
            event.preventDefault();
          }}
        />
      </search>
      <ColumnMenu layout={layout} onLayout={onLayout} />
      <Tooltip content={t('action.settings')} relationship="label">
        <Button
          appearance="subtle"
          icon={<Settings20Regular />}
          onClick={() => fireAndForget(bridge.call('app.openSettings', {}))}
        />
      </Tooltip>
    </header>
  );
}

type ToolProps = Pick<Props, 'folder' | 'actions' | 'selectedCount'>;

function MessageTools({ folder, actions, selectedCount }: ToolProps) {
  const styles = useStyles();
  const { t } = useLocale();
  const paused = useStatus()?.paused ?? false;
  return (
    <div className={styles.tools} role="group" aria-label={t('queue.toolbar')}>
      <Button
        className={styles.button}
        appearance="primary"
        icon={<Send20Regular />}
        onClick={actions.sendNow}
        title={t('action.sendNowHelp')}
      >
        {t('action.sendNow')}
      </Button>
      <ToggleButton
        className={styles.button}
        appearance="subtle"
        checked={paused}
        icon={paused ? <Play20Regular /> : <Pause20Regular />}
        onClick={() => actions.pause(!paused)}
      >
        {t(paused ? 'action.resume' : 'action.pause')}
      </ToggleButton>
      <span className={styles.divider} />
      <Button
        className={styles.button}
        appearance="subtle"
        icon={<ArrowRepeatAll20Regular />}
        disabled={!actions.enabled || folder === 'sent' || folder === 'deleted'}
        onClick={() => actions.retry()}
      >
        {t('action.retry')}
      </Button>
      <Button
        className={styles.button}
        appearance="subtle"
        icon={<Delete20Regular />}
        disabled={!actions.enabled}
        onClick={actions.remove}
      >
        {t('action.delete')}
      </Button>
      <span role="status" aria-live="polite" className={styles.selected}>
        {selectedCount > 1 ? t('queue.selected', { count: selectedCount }) : ''}
      </span>
    </div>
  );
}

/** Which columns the table shows. */
function ColumnMenu({ layout, onLayout }: Pick<Props, 'layout' | 'onLayout'>) {
  const { t } = useLocale();
  const checked = SORT_KEYS.filter((key) => !layout.hidden.includes(key));
  return (
    <Menu
      checkedValues={{ columns: checked }}
      onCheckedValueChange={(_, data) =>
        onLayout({
          ...layout,
          hidden: SORT_KEYS.filter((key) => key !== 'subject' && !data.checkedItems.includes(key)),
        })
      }
    >
      <MenuTrigger disableButtonEnhancement>
        <Tooltip content={t('queue.columns')} relationship="label">
          <Button appearance="subtle" icon={<TableSettings20Regular />} />
        </Tooltip>
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          {SORT_KEYS.map((key) => (
            <MenuItemCheckbox key={key} name="columns" value={key} disabled={key === 'subject'}>
              {t(`column.${key}`)}
            </MenuItemCheckbox>
          ))}
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}
