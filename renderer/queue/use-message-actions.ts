/** What can be done with the selected messages; each says what it did, and offers undo where there is one. */
import type { Selection } from '../../shared/ipc-contract.ts';
import type { Folder } from '../../shared/mail.ts';
import { fireAndForget } from '../bridge.ts';
import { useCommand, useNotices } from '../notices.tsx';
import { useLocale } from '../i18n/locale.tsx';

export interface MessageActions {
  readonly enabled: boolean;
  /** Everything that waits. */
  readonly sendNow: () => void;
  readonly retry: (throughGateway?: string) => void;
  /** To Deleted; in Deleted the user is asked first. */
  readonly remove: () => void;
  /** What the user has said yes to. */
  readonly removeForGood: () => void;
  readonly restore: () => void;
  readonly saveAs: (id: string) => void;
  readonly pause: (paused: boolean) => void;
}

/**
 * @param selection null = nothing selected
 * @param afterwards called when the selected messages have left the folder
 * @param confirm asks the user before messages are deleted for good
 */
export function useMessageActions(
  folder: Folder,
  selection: Selection | null,
  count: number,
  afterwards: () => void,
  confirm: () => void,
): MessageActions {
  const { t } = useLocale();
  const notices = useNotices();
  const command = useCommand();
  const remove = useRemove(afterwards);
  const retry = async (what: Selection, throughGateway: string | undefined) => {
    const input = throughGateway === undefined ? { selection: what } : { selection: what, throughGateway };
    const done = await command('queue.retry', input, t('action.retryFailed'));
    if (done === null) return;
    if (done.count === 0 && done.sending > 0) notices.done(t('action.beingSent', { count: done.sending }));
    else notices.done(t('action.retried', { count: done.count }));
  };
  const restore = async (what: Selection) => {
    const done = await command('queue.restore', { selection: what }, t('action.restoreFailed'));
    if (done === null) return;
    notices.done(t('action.restored', { count: done.count }));
    afterwards();
  };
  const saveAs = async (id: string) => {
    const done = await command('app.saveMessage', { id }, t('action.saveFailed'));
    if (done?.saved === true) notices.done(t('action.saved'));
  };
  return {
    enabled: selection !== null && count > 0,
    sendNow: useSendNow(),
    retry: (throughGateway) => {
      if (selection !== null) fireAndForget(retry(selection, throughGateway));
    },
    remove: () => {
      if (selection === null || count === 0) return;
      if (folder === 'deleted') confirm();
      else remove(selection, false);
    },
    removeForGood: () => {
      if (selection !== null) remove(selection, true);
    },
    restore: () => {
      if (selection !== null) fireAndForget(restore(selection));
    },
    saveAs: (id) => {
      fireAndForget(saveAs(id));
    },
    pause: (paused) => {
      fireAndForget(command(paused ? 'control.pause' : 'control.resume', {}, t('action.pauseFailed')));
    },
  };
}

function useSendNow(): () => void {
  const { t, phraseText } = useLocale();
  const notices = useNotices();
  const command = useCommand();
  const sendNow = async () => {
    const done = await command('control.sendNow', {}, t('action.sendNowFailed'));
    if (done !== null) notices.done(phraseText(done.phrase));
  };
  return () => {
    fireAndForget(sendNow());
  };
}

/** Deletes, and says what could not be deleted since it is being sent. */
function useRemove(afterwards: () => void): (selection: Selection, forGood: boolean) => void {
  const { t } = useLocale();
  const notices = useNotices();
  const command = useCommand();
  const undoOf = (back: Selection) => () => {
    fireAndForget(command('queue.restore', { selection: back }, t('action.restoreFailed')));
  };
  const remove = async (selection: Selection, forGood: boolean) => {
    const done = await command('queue.delete', { selection, forGood }, t('action.deleteFailed'));
    if (done === null) return;
    const { count, undo, kept, sending } = done;
    const stays = kept > 0 ? t('action.keptWhileSent', { count: kept }) : undefined;
    if (count === 0 && stays !== undefined) {
      notices.failed(t('action.deleteFailed'), stays);
      return;
    }
    const besides = sending > 0 ? t('action.deletedWhileSent', { count: sending }) : stays;
    const words = t(forGood ? 'action.deletedForGood' : 'action.deleted', { count });
    notices.done(words, undo === null ? undefined : undoOf(undo), besides);
    afterwards();
  };
  return (selection, forGood) => {
    fireAndForget(remove(selection, forGood));
  };
}
