/** An engine of memory and nothing else, for tests of what talks to the engine. */
import { applyChanges } from '../../main/settings/apply-changes.ts';
import { exportSettings, importSettings } from '../../main/settings/export-settings.ts';
import { engineMethods, type EngineApi } from '../../shared/ipc-contract.ts';
import type { MessageDetails, MessageRow } from '../../shared/mail.ts';
import { fail, ok } from '../../shared/result.ts';
import { defaultSettings, type Settings } from '../../shared/settings.ts';
import type { AppStatus } from '../../shared/status.ts';

/** A status to start from. */
export function statusWith(change: Partial<AppStatus> = {}): AppStatus {
  return {
    version: '0.1.0',
    pid: 4242,
    profile: '/home/user/profile',
    state: 'idle',
    phrases: [{ id: 'status.idle' }],
    paused: false,
    hold: null,
    listener: { kind: 'listening', hosts: ['127.0.0.1', '::1'], port: 2525 },
    network: {
      online: true,
      id: 'n1',
      name: 'Office',
      kind: 'wifi',
      links: [],
      portal: false,
      metered: null,
      since: 0,
    },
    dialUp: { required: false, active: [], holding: false, lastAction: null },
    counts: { outbox: 0, sent: 0, bad: 0, bounced: 0, deleted: 0, unseenBad: 0, unseenBounced: 0 },
    sending: 0,
    mode: 'never',
    secrets: { protection: 'protected', backend: 'gnome_libsecret' },
    problems: [],
    ...change,
  };
}

/** A row of the message table. */
export function rowWith(change: Partial<MessageRow> = {}): MessageRow {
  return {
    id: 'Q1',
    folder: 'outbox',
    state: 'queued',
    mailFrom: 'ann@example.test',
    to: ['bob@example.test'],
    recipientCount: 1,
    subject: 'Hello',
    size: 1234,
    acceptedAt: Date.UTC(2026, 10, 23, 10, 0),
    mayHaveArrived: false,
    nextAt: null,
    via: null,
    lastWords: null,
    seen: false,
    ...change,
  };
}

/** What a test looks at. */
export interface StubEngine {
  readonly api: EngineApi;
  /** Calls so far: name and parsed input. */
  readonly calls: { readonly name: string; readonly input: unknown }[];
  readonly secrets: Map<string, string>;
  settings: Settings;
  status: AppStatus;
  rows: MessageRow[];
  raw: Uint8Array;
  /** Ids of messages that are with a server. */
  readonly flying: Set<string>;
  /** False: no key store, consent is asked for. */
  keyStore: boolean;
}

/** A new one, with one message Q1. */
export function createStubEngine(): StubEngine {
  const stub: { -readonly [K in keyof StubEngine]: StubEngine[K] } = {
    api: {} as EngineApi,
    calls: [],
    secrets: new Map(),
    flying: new Set(),
    settings: defaultSettings(),
    status: statusWith(),
    rows: [rowWith()],
    raw: Buffer.from('Subject: Hello\r\n\r\nHi\r\n'),
    keyStore: true,
  };
  const count = (ids: unknown): number =>
    Array.isArray(ids) ? stub.rows.filter((row) => ids.includes(row.id)).length : stub.rows.length;
  const save = (changed: ReturnType<typeof applyChanges>) => {
    if (!changed.ok) return ok({ saved: false as const, problems: changed.problems });
    stub.settings = changed.next;
    return ok({ saved: true as const, settings: changed.next });
  };
  const known: Partial<EngineApi> = {
    'status.get': async () => ok(stub.status),
    'queue.list': async ({ folder, offset, limit }) => {
      const rows = stub.rows.filter((row) => row.folder === folder);
      return ok({ total: rows.length, rows: rows.slice(offset, offset + limit) });
    },
    'queue.show': async ({ id }) => {
      const row = stub.rows.find((one) => one.id === id);
      if (row === undefined) return fail('not-found', 'There is no such message any more.', 'id');
      const details: MessageDetails = {
        ...row,
        messageId: null,
        headerFrom: null,
        origin: { kind: 'sendmail' },
        recipients: [],
        timeline: [],
      };
      return ok(details);
    },
    'queue.raw': async ({ offset, length }) =>
      ok({
        total: stub.raw.length,
        base64: Buffer.from(stub.raw.subarray(offset, offset + length)).toString('base64'),
      }),
    'queue.retry': async ({ selection }) => {
      const asked = 'ids' in selection ? count(selection.ids) : stub.rows.length;
      const sending = 'ids' in selection ? count(selection.ids.filter((id) => stub.flying.has(id))) : 0;
      return ok({ count: asked - sending, sending });
    },
    'queue.delete': async ({ selection }) => {
      const rows = stub.rows.filter((row) => 'ids' in selection && selection.ids.includes(row.id));
      const flying = rows.filter((row) => stub.flying.has(row.id));
      const kept = flying.filter((row) => row.folder === 'deleted').length;
      return ok({ count: rows.length - kept, undo: null, sending: flying.length - kept, kept });
    },
    'control.sendNow': async () => ok({ count: 1, phrase: { id: 'status.sendingNow', params: { count: 1 } } }),
    'control.pause': async () => ok({ paused: true }),
    'control.resume': async () => ok({ paused: false }),
    'control.pickup': async () => ok({ count: 0 }),
    'settings.get': async () => ok(stub.settings),
    'settings.set': async ({ changes }) => save(applyChanges(stub.settings, changes)),
    'settings.export': async () => ok({ json: exportSettings(stub.settings) }),
    'settings.import': async ({ json }) => save(importSettings(json, stub.settings)),
    'secrets.set': async ({ gatewayId, secret, acceptObfuscated }) => {
      if (secret === null) stub.secrets.delete(gatewayId);
      else if (!stub.keyStore && !acceptObfuscated) return ok({ stored: false, needsConsent: true });
      else stub.secrets.set(gatewayId, secret);
      return ok({ stored: secret !== null, needsConsent: false });
    },
    'app.quit': async () => ok({}),
  };
  stub.api = Object.fromEntries(
    Object.keys(engineMethods).map((name) => [
      name,
      async (input: never) => {
        stub.calls.push({ name, input });
        const handler = known[name as keyof EngineApi] as ((input: never) => Promise<unknown>) | undefined;
        return handler === undefined ? fail('unavailable', 'Not in the stub.') : handler(input);
      },
    ]),
  ) as unknown as EngineApi;
  return stub;
}
