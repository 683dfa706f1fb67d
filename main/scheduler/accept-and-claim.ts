/** Where the listener's mail goes: into the store and, while there is a place for it, in the same step into an attempt. */
import type { Scheduler } from './scheduler.ts';
import type { ClaimedMessage, IntakeStore, StagedMessage } from '../queue/queue-store.ts';

/** Half the way through the store, compared with a commit that is followed by a claim. */
export function stageForDelivery(
  store: IntakeStore,
  engine: Pick<Scheduler, 'reserve' | 'newMail'>,
): (id: string) => StagedMessage {
  return (id) => {
    const staged = store.stage(id);
    return {
      ...staged,
      commit: async (message) => {
        const place = engine.reserve();
        if (place === null) {
          await staged.commit(message);
          engine.newMail();
          return;
        }
        let claimed: ClaimedMessage | null = null;
        try {
          claimed = await staged.commitAndClaim(message);
        } finally {
          // The listener's 250 goes out first.
          setImmediate(() => place(claimed));
        }
      },
    };
  };
}
