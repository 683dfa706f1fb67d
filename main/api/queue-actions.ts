/** What users do to messages of the queue, as the contract has it: tried again, deleted, restored, sent again to others. */
import type { Output, Parsed, Selection } from '../../shared/ipc-contract.ts';
import { fail, ok, type Result } from '../../shared/result.ts';
import { isEmailAddress } from '../../shared/syntax.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';
import type { FolderStore, ResendAnswer, ViewStore } from '../queue/queue-store.ts';
import { noSuchMessage } from './failures.ts';

/** Options of createQueueActions. */
export interface QueueActionDeps {
  readonly store: FolderStore & Pick<ViewStore, 'details'>;
  readonly scheduler: Pick<Scheduler, 'newMail' | 'deleted' | 'restored'>;
  readonly newQueueId: () => string;
}

export interface QueueActions {
  /** As `queue.delete`. */
  remove(input: Parsed<'queue.delete'>): Promise<Result<Output<'queue.delete'>>>;
  /** As `queue.restore`. */
  restore(selection: Selection): Promise<Result<Output<'queue.restore'>>>;
  /** As `queue.resend`. */
  resend(input: Parsed<'queue.resend'>): Promise<Result<Output<'queue.resend'>>>;
}

/** Why it was not sent again, in words. */
function refusal(answer: Exclude<ResendAnswer, { kind: 'done' }>): ReturnType<typeof fail> {
  if (answer.kind === 'not-found') return noSuchMessage();
  switch (answer.why) {
    case 'in-flight':
      return fail(
        'in-flight',
        `"${answer.address}" is with a server at this moment. It can be sent again once the answer is there.`,
        'replaces',
      );
    case 'settled':
      return fail(
        'settled',
        `"${answer.address}" has got it meanwhile, or it was sent again already. Nothing was sent.`,
        'replaces',
      );
    case 'no-recipient':
      return fail('not-found', 'There is no such recipient of this message.', 'replaces');
  }
}

export function createQueueActions({ store, scheduler, newQueueId }: QueueActionDeps): QueueActions {
  const move = async (selection: Selection): Promise<Output<'queue.delete'>> => {
    const { count, sending, at } = await store.move(selection, 'deleted');
    scheduler.deleted(sending);
    return { count, sending: sending.length, kept: 0, undo: count === 0 ? null : { deletedFrom: at, deletedTo: at } };
  };
  const purge = async (selection: Selection): Promise<Output<'queue.delete'>> => {
    const { count, sending } = await store.purge(selection);
    return { count, sending: 0, kept: sending, undo: null };
  };

  /** Listed ids may stand in any folder: those that are in Deleted go for good, the others go there. */
  const byFolder = async (ids: readonly string[]): Promise<Output<'queue.delete'>> => {
    const inDeleted: string[] = [];
    const elsewhere: string[] = [];
    for (const id of ids) {
      const details = await store.details(id);
      if (details) (details.folder === 'deleted' ? inDeleted : elsewhere).push(id);
    }
    const purged = await purge({ ids: inDeleted });
    const moved = await move({ ids: elsewhere });
    return { ...moved, count: purged.count + moved.count, kept: purged.kept };
  };

  return {
    async remove({ selection, forGood }) {
      const isOfDeleted = 'deletedFrom' in selection || ('folder' in selection && selection.folder === 'deleted');
      if (forGood === undefined && 'ids' in selection) return ok(await byFolder(selection.ids));
      return ok(await ((forGood ?? isOfDeleted) ? purge(selection) : move(selection)));
    },
    async restore(selection) {
      const { count, sending } = await store.move(selection, 'back');
      await scheduler.restored(sending);
      return ok({ count });
    },
    async resend({ id, replaces, recipients }) {
      const bad = recipients.findIndex((r) => !isEmailAddress(r));
      if (bad >= 0)
        return fail('bad-input', `"${recipients[bad] ?? ''}" is not an e-mail address.`, `recipients.${bad}`);
      const newId = newQueueId();
      const answer = await store.resend({ source: id, replaces, id: newId, to: [...new Set(recipients)] });
      if (answer.kind !== 'done') return refusal(answer);
      scheduler.newMail();
      return ok({ id: newId });
    },
  };
}
