/** The main window: folders, table, details, status bar. */
import { makeStyles, tokens } from '@fluentui/react-components';
import { lazy, Suspense, useCallback, useDeferredValue, useEffect, useRef, useState } from 'react';
import type { EventName } from '../../shared/ipc-contract.ts';
import type { Folder } from '../../shared/mail.ts';
import { drop, useBridge, useLive } from '../bridge.ts';
import { ActivitySpark } from '../activity/activity-spark.tsx';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { useKeptFocus } from '../components/kept-focus.ts';
import { Splitter } from '../components/splitter.tsx';
import { MessagePane } from '../details/message-pane.tsx';
import { ResendDialog } from '../details/resend-dialog.tsx';
import { useNotices } from '../notices.tsx';
import { useRemembered } from './remembered.ts';
import { findRow } from './find-row.ts';
import { EmptyList } from './empty-list.tsx';
import { FolderList } from './folder-list.tsx';
import { FIRST_LAYOUT, parseLayout, parsePaneHeight } from './layout.ts';
import { MessageMenu } from './message-menu.tsx';
import { MessageTable, type TableView } from './message-table.tsx';
import { ProblemBars } from './problem-bars.tsx';
import { QueueToolbar } from './queue-toolbar.tsx';
import {
  followRows,
  NOTHING_SELECTED,
  selectedCount,
  selectOne,
  singleSelected,
  toSelection,
  type SelectionState,
} from './selection.ts';
import { StatusBar } from './status-bar.tsx';
import { useMessageActions } from './use-message-actions.ts';
import { useMessageList } from './use-message-list.ts';
import { useLocale } from '../i18n/locale.tsx';

const useStyles = makeStyles({
  window: { height: '100%', display: 'flex', flexDirection: 'column', backgroundColor: tokens.colorNeutralBackground3 },
  main: { flexGrow: 1, minHeight: 0, display: 'flex' },
  content: {
    flexGrow: 1,
    minWidth: 0,
    display: 'flex',
    flexDirection: 'column',
    backgroundColor: tokens.colorNeutralBackground1,
    borderStartStartRadius: tokens.borderRadiusLarge,
    borderTop: `1px solid ${tokens.colorNeutralStroke2}`,
    borderLeft: `1px solid ${tokens.colorNeutralStroke2}`,
    overflow: 'hidden',
  },
  hidden: { position: 'absolute', width: '1px', height: '1px', margin: 0, overflow: 'hidden', clipPath: 'inset(50%)' },
  list: { minHeight: '120px', display: 'flex', flexDirection: 'column', flex: '1 1 0', position: 'relative' },
});

const ActivityPage = lazy(() =>
  import('../activity/activity-page.tsx').then((module) => ({ default: module.ActivityPage })),
);
const QUEUE: readonly EventName[] = ['queue:changed'];

export function QueueView() {
  const styles = useStyles();
  const bridge = useBridge();
  const { t } = useLocale();
  const notices = useNotices();
  const [folder, setFolder] = useState<Folder>('outbox');
  const [words, setWords] = useState('');
  const search = useDeferredValue(words.trim());
  const [selection, setSelection] = useState<SelectionState>(NOTHING_SELECTED);
  const [layout, setLayout] = useRemembered('queue.layout', parseLayout, FIRST_LAYOUT);
  const [paneHeight, setPaneHeight] = useRemembered(
    'queue.pane',
    parsePaneHeight,
    Math.max(220, Math.round(window.innerHeight * 0.44)),
  );
  const [menu, setMenu] = useState<{ readonly x: number; readonly y: number } | null>(null);
  const [editing, setEditing] = useState<string | null>(null);
  const [confirming, setConfirming] = useState(false);
  const [activity, setActivity] = useState(false);
  /** A row that is to be scrolled to once its folder is shown. */
  const [wanted, setWanted] = useState<{ readonly folder: Folder; readonly index: number } | null>(null);
  const tableView = useRef<TableView | null>(null);
  const searchBox = useRef<HTMLInputElement>(null);
  const counts = useLive('queue.folders', {}, QUEUE).value;

  const list = useMessageList(
    { folder, search, sort: layout.sort, descending: layout.descending },
    () => tableView.current?.landmarks() ?? null,
    (shift, total) => {
      tableView.current?.shift(shift);
      setSelection((old) => followRows(old, shift, total));
    },
  );
  const chosen = toSelection(selection, folder, search);
  const chosenCount = selectedCount(selection, list.total ?? 0);
  const single = singleSelected(selection);
  const actions = useMessageActions(
    folder,
    chosen,
    chosenCount,
    () => setSelection((old) => ({ ...NOTHING_SELECTED, focus: old.focus })),
    () => setConfirming(true),
  );

  const goTo = useCallback((next: Folder) => {
    setActivity(false);
    setFolder(next);
    setSelection(NOTHING_SELECTED);
    tableView.current?.toTop();
  }, []);

  // What is looked at is no longer new.
  useEffect(() => {
    if (single === null || (folder !== 'bad' && folder !== 'bounced')) return;
    const timer = setTimeout(() => drop(bridge.call('queue.markSeen', { selection: { ids: [single] } })), 1000);
    return () => {
      clearTimeout(timer);
    };
  }, [bridge, single, folder]);

  const { sort, descending } = layout;
  const showMessage = useCallback(
    async (id: string) => {
      const details = await bridge.call('queue.show', { id });
      if (!details.ok) {
        notices.failed(t('queue.gone'));
        return;
      }
      const home = details.value.folder;
      const index = await findRow(bridge, { folder: home, sort, descending }, id);
      setActivity(false);
      setFolder(home);
      setWords('');
      setSelection(selectOne(index ?? 0, id));
      if (index !== null) setWanted({ folder: home, index });
    },
    [bridge, descending, notices, t, sort],
  );
  const shower = useRef(showMessage);
  useEffect(() => {
    shower.current = showMessage;
  });
  useEffect(() => {
    const { current: table } = tableView;
    if (wanted?.folder !== folder || table === null || (list.total ?? 0) <= wanted.index) return;
    table.reveal(wanted.index);
    // The row is in view: what was wanted is done.
    setWanted(null);
  }, [wanted, folder, list.total]);

  useEffect(() => {
    // A window that was opened for a message has it in its address (a notification was clicked).
    const [, kind, id] = window.location.hash.replace(/^#/, '').split('/');
    if (kind === 'message' && id !== undefined) drop(shower.current(decodeURIComponent(id)));
    return bridge.on('window:show-message', (event) => {
      drop(shower.current(event.id));
    });
  }, [bridge]);

  const { sendNow } = actions;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'f') searchBox.current?.focus();
      else if (event.key === 'F5') sendNow();
      else return;
      event.preventDefault();
    };
    window.addEventListener('keydown', press);
    return () => {
      window.removeEventListener('keydown', press);
    };
  }, [sendNow]);

  const empty = list.total === 0;
  // Else from the table, or from the folder.
  useKeptFocus(
    () =>
      document.querySelector<HTMLElement>('[role=grid]') ?? document.querySelector<HTMLElement>('nav [aria-current]'),
  );

  return (
    <div className={styles.window}>
      <QueueToolbar
        folder={folder}
        actions={actions}
        selectedCount={chosenCount}
        search={words}
        onSearch={(next) => {
          setActivity(false);
          setWords(next);
          setSelection(NOTHING_SELECTED);
          tableView.current?.toTop();
        }}
        searchBox={searchBox}
        layout={layout}
        onLayout={setLayout}
        onLeaveSearch={() => tableView.current?.focus()}
      />
      <ProblemBars />
      <div className={styles.main}>
        <FolderList
          counts={counts}
          folder={activity ? null : folder}
          onFolder={goTo}
          onActivity={() => setActivity(true)}
        />
        <main className={styles.content}>
          {activity ? (
            <Suspense fallback={null}>
              <ActivityPage />
            </Suspense>
          ) : (
            <>
              <h1 className={styles.hidden}>{t(`folder.${folder}`)}</h1>
              <div className={styles.list}>
                {empty || list.failure !== null ? (
                  <EmptyList
                    folder={folder}
                    search={search}
                    failure={list.failure}
                    onRetry={list.reload}
                    onClear={() => setWords('')}
                  />
                ) : (
                  <MessageTable
                    key={layout.hidden.join()}
                    list={list}
                    layout={layout}
                    onLayout={setLayout}
                    selection={selection}
                    onSelection={setSelection}
                    onOpen={() => document.getElementById('message-pane')?.focus()}
                    onDelete={actions.remove}
                    onContextMenu={setMenu}
                    view={tableView}
                  />
                )}
              </div>
              <Splitter value={paneHeight} onChange={setPaneHeight} min={140} />
              <div
                style={{
                  height: `min(${paneHeight}px, 100vh - 320px)`,
                  flexShrink: 1,
                  minHeight: '140px',
                  display: 'flex',
                }}
              >
                <MessagePane id={single} count={chosenCount} folder={folder} actions={actions} onEdit={setEditing} />
              </div>
            </>
          )}
        </main>
      </div>
      <StatusBar>
        <ActivitySpark onOpen={() => setActivity(true)} />
      </StatusBar>
      <MessageMenu
        place={menu}
        onClose={() => setMenu(null)}
        folder={folder}
        single={single}
        actions={actions}
        onEdit={setEditing}
      />
      {confirming && (
        <ConfirmDialog
          title={t('action.deleteForGoodTitle')}
          words={t('action.deleteForGoodWords', { count: chosenCount })}
          agree={t('action.deleteForGood')}
          refuse={t('common.cancel')}
          onAnswer={(agreed) => {
            setConfirming(false);
            if (agreed) actions.removeForGood();
          }}
        />
      )}
      {editing !== null && (
        <ResendDialog
          id={editing}
          onClose={() => setEditing(null)}
          onSent={() => setSelection((old) => ({ ...NOTHING_SELECTED, focus: old.focus }))}
        />
      )}
    </div>
  );
}
