import { useEffect, useEffectEvent, useRef, useState, type RefObject } from 'react';
import type { Bridge, Input } from '../../shared/ipc-contract.ts';
import type { Folder, MessageDetails } from '../../shared/mail.ts';
import type { Result } from '../../shared/result.ts';
import { fireAndForget, useBridge } from '../bridge.ts';
import { useLocale } from '../i18n/locale.tsx';
import { useNotices } from '../notices.tsx';
import type { Layout } from './layout.ts';
import type { TableView } from './message-table.tsx';

const PAGE = 1000;
/** A message that lies deeper than this is opened without scrolling to it. */
const MAX_DEPTH = 50_000;

/** @returns the index of a message under `view`, null if it is not found in reasonable time */
async function findRow(
  bridge: Bridge,
  view: Omit<Input<'queue.list'>, 'offset' | 'limit'>,
  id: string,
): Promise<number | null> {
  for (let offset = 0; offset < MAX_DEPTH; offset += PAGE) {
    const result = await bridge.call('queue.list', { ...view, offset, limit: PAGE });
    if (!result.ok) return null;
    const at = result.value.rows.findIndex((row) => row.id === id);
    if (at >= 0) return offset + at;
    if (offset + result.value.rows.length >= result.value.total || result.value.rows.length === 0) return null;
  }
  return null;
}

interface Options {
  readonly layout: Layout;
  /** The folder that is shown, and how many rows it has. */
  readonly folder: Folder;
  readonly total: number;
  readonly tableRef: RefObject<TableView | null>;
  /** Shows the folder and selects the message. */
  readonly onShow: (folder: Folder, index: number, id: string) => void;
}

/** Shows the message that a notification was clicked for: its folder, and its row scrolled into view. */
export function useShowMessage({ layout: { sort, descending }, folder, total, tableRef, onShow }: Options): void {
  const bridge = useBridge();
  const notices = useNotices();
  const { t } = useLocale();
  /** The row to scroll to once its folder is shown. */
  const [wanted, setWanted] = useState<{ readonly folder: Folder; readonly index: number } | null>(null);

  const revealed = useRef<object | null>(null);

  const show = useEffectEvent(async (id: string, details: Result<MessageDetails>) => {
    if (!details.ok) {
      notices.failed(t('queue.gone'));
      return;
    }
    const { folder: home } = details.value;
    const index = await findRow(bridge, { folder: home, sort, descending }, id);
    onShow(home, index ?? 0, id);
    if (index !== null) setWanted({ folder: home, index });
  });
  useEffect(() => {
    const open = (id: string) => {
      fireAndForget(bridge.call('queue.show', { id }).then((details) => show(id, details)));
    };
    // A window that was opened for a message has it in its address.
    const [, kind, id] = window.location.hash.replace(/^#/, '').split('/');
    if (kind === 'message' && id !== undefined) open(decodeURIComponent(id));
    return bridge.on('window:show-message', (event) => open(event.id));
  }, [bridge]);
  useEffect(() => {
    if (wanted?.folder !== folder || tableRef.current === null || total <= wanted.index) return;
    if (revealed.current === wanted) return;
    revealed.current = wanted;
    tableRef.current.reveal(wanted.index);
  }, [wanted, folder, total, tableRef]);
}
