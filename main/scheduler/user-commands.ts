/** What users ask of the queue as a whole or of messages in it: send now, try again, pause, resume. */
import { phrase } from '../../shared/phrases.ts';
import type { Scheduler, SchedulerDeps, SchedulerParts } from './scheduler.ts';

type UserCommands = Pick<
  Scheduler,
  'sendNow' | 'retry' | 'deleted' | 'restored' | 'pause' | 'resume' | 'retestDirect' | 'forgetNetwork'
>;

export function createUserCommands(deps: SchedulerDeps, parts: SchedulerParts): UserCommands {
  const { store, delivery, memory } = deps;
  const { conditions, events, attempts, housekeeping, wakeMail } = parts;
  return {
    async sendNow() {
      const hold = conditions.hold();
      if (hold !== null) return { count: 0, phrase: phrase(`hold.${hold}`) };
      delivery.forgetFailures();
      const count = await wakeMail.all();
      return { count, phrase: phrase('status.sendingNow', { count }) };
    },
    async retry(selection, throughGateway) {
      const done = await store.retry(selection, throughGateway, deps.clock.now());
      delivery.forgetFailures();
      events.emit('due');
      return done;
    },
    deleted(ids) {
      attempts.setDeleted(ids, true);
    },
    async restored(ids) {
      attempts.setDeleted(ids, false);
      try {
        await housekeeping.limitDelays();
      } finally {
        events.emit('due');
      }
    },
    async pause() {
      conditions.setPaused(true);
      events.emit('changed');
      await store.setMemo('paused', 'true');
    },
    async resume() {
      conditions.setPaused(false);
      events.emit('changed');
      await store.setMemo('paused', null);
      await wakeMail.startDelivering('resume');
    },
    async retestDirect() {
      memory.noteDirect({ kind: 'retest' });
      const hold = conditions.hold();
      if (hold !== null) return phrase(`hold.${hold}`);
      delivery.forgetFailures();
      await wakeMail.all();
      return phrase('direct.retesting');
    },
    forgetNetwork(id) {
      memory.forget(id);
      if (id === conditions.network().id) delivery.forgetFailures();
    },
  };
}
