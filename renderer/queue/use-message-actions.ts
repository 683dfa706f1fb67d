/** What can be done with the selected messages; each says what it did, and offers undo where there is one. */
import { useCallback, useMemo } from 'react';
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
  const { t, phraseText } = useLocale();
  const notices = useNotices();
  const command = useCommand();

  const sendNow = useCallback(() => {
    fireAndForget(
      command('control.sendNow', {}, t('action.sendNowFailed')).then((done) => {
        if (done !== null) notices.done(phraseText(done.phrase));
      }),
    );
  }, [command, notices, t, phraseText]);

  return useMemo(() => {
    const restored = (what: Selection) => {
      fireAndForget(command('queue.restore', { selection: what }, t('action.restoreFailed')));
    };
    const remove = (what: Selection, forGood: boolean) => {
      fireAndForget(
        command('queue.delete', { selection: what, forGood }, t('action.deleteFailed')).then((done) => {
          if (done === null) return;
          const { undo: back, kept, sending } = done;
          const stays = kept > 0 ? t('action.keptWhileSent', { count: kept }) : undefined;
          if (done.count === 0 && stays !== undefined) {
            notices.failed(t('action.deleteFailed'), stays);
            return;
          }
          const flying = sending > 0 ? t('action.deletedWhileSent', { count: sending }) : stays;
          const undo = back === null ? undefined : () => restored(back);
          notices.done(t(forGood ? 'action.deletedForGood' : 'action.deleted', { count: done.count }), undo, flying);
          afterwards();
        }),
      );
    };
    return {
      enabled: selection !== null && count > 0,
      sendNow,
      retry: (throughGateway) => {
        if (selection === null) return;
        const input = throughGateway === undefined ? { selection } : { selection, throughGateway };
        fireAndForget(
          command('queue.retry', input, t('action.retryFailed')).then((done) => {
            if (done === null) return;
            const { count, sending } = done;
            if (count === 0 && sending > 0) notices.done(t('action.beingSent', { count: sending }));
            else notices.done(t('action.retried', { count }));
          }),
        );
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
        if (selection === null) return;
        fireAndForget(
          command('queue.restore', { selection }, t('action.restoreFailed')).then((done) => {
            if (done === null) return;
            notices.done(t('action.restored', { count: done.count }));
            afterwards();
          }),
        );
      },
      saveAs: (id) => {
        fireAndForget(
          command('app.saveMessage', { id }, t('action.saveFailed')).then((done) => {
            if (done?.saved === true) notices.done(t('action.saved'));
          }),
        );
      },
      pause: (paused) => {
        fireAndForget(command(paused ? 'control.pause' : 'control.resume', {}, t('action.pauseFailed')));
      },
    };
  }, [afterwards, command, confirm, count, folder, notices, t, selection, sendNow]);
}
