import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import type { SmtpReply } from '../../../shared/mail.ts';
import type {
  AttemptRecord,
  ClaimedMessage,
  NewMessage,
  QueueStore,
  RecipientUpdate,
} from '../../../main/queue/queue-store.ts';
import { openQueueStore, type QueueStoreOptions } from '../../../main/queue/open-queue-store.ts';
import { VirtualClock } from '../../fakes/virtual-clock.ts';
import { newMessageFor } from './new-message.ts';

/** A folder for one test; kept if the test fails. */
export function tempFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'queue-'));
  onTestFinished(({ task }) => {
    if (task.result?.state !== 'fail') rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

export interface Opened {
  readonly store: QueueStore;
  readonly clock: VirtualClock;
  readonly path: string;
}

let runs = 0;

/** A real store on a temporary file, in this thread; closed when the test ends. */
export async function openStore(
  options: Partial<QueueStoreOptions> & { readonly clock?: VirtualClock } = {},
): Promise<Opened> {
  runs += 1;
  const clock = options.clock ?? new VirtualClock();
  const file = options.path ?? path.join(tempFolder(), 'queue.db');
  const store = await openQueueStore({
    runId: `run-${runs}`,
    inThread: true,
    reserveBytes: 0,
    ...options,
    path: file,
    clock,
  });
  onTestFinished(async () => store.close());
  return { store, clock, path: file };
}

export function newMessage(
  id: string,
  change: Partial<NewMessage> & { readonly to?: readonly string[] } = {},
): NewMessage {
  const { to = ['rcpt@example.test'], ...rest } = change;
  return { ...newMessageFor(id, to), ...rest };
}

export async function accept(
  store: QueueStore,
  message: NewMessage,
  bytes: Uint8Array | string = 'Subject: x\r\n\r\nhello\r\n',
): Promise<void> {
  const staged = store.stage(message.id);
  await staged.write(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  await staged.commit(message);
}

export async function readAll(store: QueueStore, id: string, offset = 0): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of store.read(id, offset)) pieces.push(piece);
  return Buffer.concat(pieces);
}

export const OK: SmtpReply = { code: 250, text: 'accepted' };
export const NO: SmtpReply = { code: 550, enhanced: '5.1.1', text: 'no such user' };
export const LATER: SmtpReply = { code: 451, text: 'try later' };

export function update(recipient: number, change: Partial<RecipientUpdate> = {}): RecipientUpdate {
  return {
    recipient,
    state: 'delivered',
    nextAt: null,
    attempts: 1,
    retryIndex: 0,
    gatewayPasses: 0,
    undeliverable: false,
    lastCountedAt: 1000,
    waitsFor: null,
    reply: OK,
    status: null,
    unknownOutcomes: [],
    facts: null,
    via: 'mx.example.test',
    hop: null,
    error: null,
    ...change,
  };
}

export function recordOf(
  messageId: string,
  updates: readonly RecipientUpdate[],
  more: Partial<AttemptRecord> = {},
): AttemptRecord {
  return { messageId, tries: [], updates, invalidAddresses: [], ...more };
}

/** Records the same end for every recipient of what was claimed. */
export async function recordAll(
  store: QueueStore,
  claimed: readonly ClaimedMessage[],
  change: Partial<RecipientUpdate> = {},
): Promise<void> {
  for (const message of claimed) {
    await store.record(
      recordOf(
        message.id,
        message.recipients.map(({ id }) => update(id, change)),
      ),
    );
  }
}

export async function claim(
  store: QueueStore,
  now = 1_000_000_000_000_000,
  limit = 100,
  skipDomains: readonly string[] = [],
) {
  return store.claimDue({ now, limit, skipDomains });
}
