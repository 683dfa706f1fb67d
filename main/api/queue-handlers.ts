/** Calls about the queue: its folders and messages, what users do to them, activity, addresses that do not exist. */
import type { Output, Parsed } from '../../shared/ipc-contract.ts';
import { ok, type Result } from '../../shared/result.ts';
import { isEmailAddress } from '../../shared/syntax.ts';
import { explain } from '../policy/explain.ts';
import { deletedDuringAttempt } from '../policy/user-actions.ts';
import type { QueueStore } from '../queue/queue-store.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';
import type { SettingsStore } from '../settings/settings-store.ts';
import { noAddress, noSuchGateway, noSuchMessage } from './failures.ts';
import type { HandlersOf } from './handlers.ts';
import { createQueueActions } from './queue-actions.ts';
import type { TestMessage } from './test-message.ts';

export interface QueueDeps {
  readonly clock: Clock;
  readonly store: QueueStore;
  readonly scheduler: Pick<Scheduler, 'environment' | 'newMail' | 'retry' | 'deleted' | 'restored'>;
  readonly settings: Pick<SettingsStore, 'get'>;
  readonly newQueueId: () => string;
  /** Puts it into the queue; resolves to its queue id. */
  readonly submitTest: (message: TestMessage) => Promise<string>;
  /** Null: there is no such message. */
  readonly preview: (id: string) => Promise<Output<'queue.preview'> | null>;
}

/** Spans of `queue.activity`. A month comes in hours: whose days they make up depends on the time zone of the window. */
const ACTIVITY_SPANS = {
  hour: { bucketMs: 60_000, buckets: 60 },
  day: { bucketMs: 3_600_000, buckets: 48 },
  month: { bucketMs: 3_600_000, buckets: 31 * 24 },
} as const;

export function queueHandlers(deps: QueueDeps): HandlersOf<'queue'> {
  const { store, scheduler, settings } = deps;
  const actions = createQueueActions(deps);
  return {
    'queue.folders': async () => ok(await store.counts()),
    'queue.list': async (input) => ok(await store.list(input)),
    'queue.show': async ({ id }) => show(deps, id),
    'queue.raw': async (input) => raw(store, input),
    'queue.preview': async ({ id }) => {
      const preview = await deps.preview(id);
      return preview === null ? noSuchMessage() : ok(preview);
    },
    'queue.retry': async ({ selection, throughGateway }) => {
      if (throughGateway !== undefined && !settings.get().gateways.list.some((g) => g.id === throughGateway))
        return noSuchGateway('throughGateway');
      return ok(await scheduler.retry(selection, throughGateway ?? null));
    },
    'queue.delete': (input) => actions.remove(input),
    'queue.restore': ({ selection }) => actions.restore(selection),
    'queue.markSeen': async ({ selection }) => ok({ count: await store.markSeen(selection) }),
    'queue.resend': (input) => actions.resend(input),
    'queue.submitTest': async ({ from, to, language }) => {
      if (!isEmailAddress(from)) return noAddress('from');
      if (!isEmailAddress(to)) return noAddress('to');
      const id = await deps.submitTest({ from, to, language });
      scheduler.newMail();
      return ok({ id });
    },
    'queue.activity': async ({ span }) => {
      const { bucketMs, buckets } = ACTIVITY_SPANS[span];
      const to = Math.floor(deps.clock.now() / bucketMs + 1) * bucketMs;
      return ok(await store.activity({ from: to - buckets * bucketMs, to, bucketMs }));
    },
    'queue.invalidAddresses': async () => ok({ rows: await store.invalidAddresses() }),
    'queue.clearInvalidAddresses': async () => ok({ count: await store.clearInvalidAddresses() }),
  };
}

/** A message with, for each recipient, why it is where it is. */
async function show({ store, scheduler }: QueueDeps, id: string): Promise<Result<Output<'queue.show'>>> {
  const found = await store.details(id);
  if (!found) return noSuchMessage();
  const { hold } = scheduler.environment();
  const recipients = found.recipients.map(({ facts, ...recipient }) => ({
    ...recipient,
    why: explain(facts, {
      ...recipient,
      hold,
      folder: found.folder,
      deletedWhileSent: deletedDuringAttempt(found.deletedAt, found.timeline, recipient.id),
    }),
  }));
  return ok({ ...found, recipients });
}

/** Octets of the message from `offset`, `length` at most. */
async function raw(
  store: Pick<QueueStore, 'details' | 'read'>,
  { id, offset, length }: Parsed<'queue.raw'>,
): Promise<Result<Output<'queue.raw'>>> {
  const details = await store.details(id);
  if (!details) return noSuchMessage();
  const parts: Uint8Array[] = [];
  let size = 0;
  if (offset < details.size) {
    for await (const chunk of store.read(id, offset)) {
      parts.push(chunk.subarray(0, length - size));
      size += Math.min(chunk.length, length - size);
      if (size >= length) break;
    }
  }
  return ok({ total: details.size, base64: Buffer.concat(parts).toString('base64') });
}
