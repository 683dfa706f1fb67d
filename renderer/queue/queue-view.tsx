import { makeStyles, tokens } from '@fluentui/react-components';
import { lazy, Suspense, useEffect, useEffectEvent, useRef, useState, type RefObject } from 'react';
import { ActivitySpark } from '../activity/activity-spark.tsx';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { useFocusRecovery } from '../components/use-focus-recovery.ts';
import { useLocalStorage } from '../components/use-local-storage.ts';
import { Splitter } from '../components/splitter.tsx';
import { MessagePane } from '../details/message-pane.tsx';
import { ResendDialog } from '../details/resend-dialog.tsx';
import { useLocale } from '../i18n/locale.tsx';
import { useAnswer } from '../server-cache.ts';
import { EmptyList } from './empty-list.tsx';
import { FolderList } from './folder-list.tsx';
import { parsePaneHeight } from './layout.ts';
import { MessageMenu } from './message-menu.tsx';
import { MessageTable } from './message-table.tsx';
import { ProblemBars } from './problem-bars.tsx';
import { QueueToolbar } from './queue-toolbar.tsx';
import { StatusBar } from './status-bar.tsx';
import { useQueue, type Queue } from './use-queue.ts';

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

type Place = { readonly x: number; readonly y: number };

/** The main window: folders, table, details, status bar. */
export function QueueView() {
  const styles = useStyles();
  const [activity, setActivity] = useState(false);
  const [editing, setEditing] = useState<string | null>(null);
  const queue = useQueue(() => setActivity(false));
  const { folder, actions } = queue;
  const counts = useAnswer('queue.folders', {}).value;
  const searchBox = useRef<HTMLInputElement>(null);
  useQueueShortcuts(searchBox, actions.sendNow);
  useFocusRecovery(
    () =>
      document.querySelector<HTMLElement>('[role=grid]') ?? document.querySelector<HTMLElement>('nav [aria-current]'),
  );
  return (
    <div className={styles.window}>
      <QueueToolbar
        folder={folder}
        actions={actions}
        selectedCount={queue.count}
        search={queue.words}
        onSearch={queue.search}
        searchBox={searchBox}
        layout={queue.layout}
        onLayout={queue.setLayout}
        onLeaveSearch={() => queue.tableRef.current?.focus()}
      />
      <ProblemBars />
      <div className={styles.main}>
        <FolderList
          counts={counts}
          folder={activity ? null : folder}
          onFolder={queue.openFolder}
          onActivity={() => setActivity(true)}
        />
        <main className={styles.content}>
          {activity ? (
            <Suspense fallback={null}>
              <ActivityPage />
            </Suspense>
          ) : (
            <QueuePanes queue={queue} onEdit={setEditing} />
          )}
        </main>
      </div>
      <StatusBar>
        <ActivitySpark onOpen={() => setActivity(true)} />
      </StatusBar>
      {queue.confirming && <ConfirmDeletion queue={queue} />}
      {editing !== null && <ResendDialog id={editing} onClose={() => setEditing(null)} onSent={queue.clearSelection} />}
    </div>
  );
}

/** The list, and below it the details of the one selected message. */
function QueuePanes({ queue, onEdit }: { readonly queue: Queue; readonly onEdit: (id: string) => void }) {
  const styles = useStyles();
  const { t } = useLocale();
  const { folder, list, single, actions } = queue;
  const [menu, setMenu] = useState<Place | null>(null);
  const [height, setHeight] = useLocalStorage(
    'queue.pane',
    parsePaneHeight,
    Math.max(220, Math.round(window.innerHeight * 0.44)),
  );
  return (
    <>
      <h1 className={styles.hidden}>{t(`folder.${folder}`)}</h1>
      <div className={styles.list}>
        {list.total === 0 || list.failure !== null ? (
          <EmptyList
            folder={folder}
            search={queue.searched}
            failure={list.failure}
            onRetry={list.reload}
            onClear={queue.clearSearch}
          />
        ) : (
          <MessageTable
            list={list}
            layout={queue.layout}
            onLayout={queue.setLayout}
            selection={queue.selection}
            onSelection={queue.setSelection}
            onOpen={() => document.getElementById('message-pane')?.focus()}
            onDelete={actions.remove}
            onContextMenu={setMenu}
            view={queue.tableRef}
          />
        )}
      </div>
      <Splitter value={height} onChange={setHeight} min={140} />
      <div style={{ height: `min(${height}px, 100vh - 320px)`, flexShrink: 1, minHeight: '140px', display: 'flex' }}>
        <MessagePane id={single} count={queue.count} folder={folder} actions={actions} onEdit={onEdit} />
      </div>
      <MessageMenu
        place={menu}
        onClose={() => setMenu(null)}
        folder={folder}
        single={single}
        actions={actions}
        onEdit={onEdit}
      />
    </>
  );
}

function ConfirmDeletion({ queue }: { readonly queue: Queue }) {
  const { t } = useLocale();
  return (
    <ConfirmDialog
      title={t('action.deleteForGoodTitle')}
      words={t('action.deleteForGoodWords', { count: queue.count })}
      agree={t('action.deleteForGood')}
      refuse={t('common.cancel')}
      onAnswer={queue.confirm}
    />
  );
}

/** Ctrl+F goes to the search, F5 sends what is due. */
function useQueueShortcuts(searchBox: RefObject<HTMLInputElement | null>, sendNow: () => void): void {
  const press = useEffectEvent((event: KeyboardEvent) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'f') searchBox.current?.focus();
    else if (event.key === 'F5') sendNow();
    else return;
    event.preventDefault();
  });
  useEffect(() => {
    const listener = (event: KeyboardEvent) => press(event);
    window.addEventListener('keydown', listener);
    return () => {
      window.removeEventListener('keydown', listener);
    };
  }, []);
}
