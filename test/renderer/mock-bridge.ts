/** A bridge without an engine behind it: many messages, settings that are checked as the engine checks them. */
import {
  methods,
  type Bridge,
  type EventName,
  type Events,
  type Input,
  type MethodName,
  type Output,
  type Parsed,
  type Selection,
} from '../../shared/ipc-contract.ts';
import type {
  Folder,
  FolderCounts,
  HopAttempt,
  MessageDetails,
  MessageRow,
  RecipientState,
} from '../../shared/mail.ts';
import { fail, ok, type Result } from '../../shared/result.ts';
import { defaultSettings, gatewaySchema, parseSettings, type Settings } from '../../shared/settings.ts';
import type { AppStatus, GatewayState } from '../../shared/status.ts';

export interface MockOptions {
  readonly now?: number;
  readonly counts?: Partial<Record<Folder, number>>;
  readonly settings?: (settings: Settings) => unknown;
  readonly status?: Partial<AppStatus>;
  readonly states?: readonly GatewayState[];
}

export interface MockBridge extends Bridge {
  readonly calls: { readonly name: MethodName; readonly input: unknown }[];
  readonly emit: <E extends EventName>(event: E, payload: Events[E]) => void;
  /** Makes a call answer something else from now on. */
  readonly answer: <M extends MethodName>(name: M, handler: (input: Parsed<M>) => Result<Output<M>>) => void;
  /** Puts new messages on top of a folder and tells. */
  readonly arrive: (folder: Folder, count: number) => void;
  readonly settings: () => Settings;
}

const PEOPLE = [
  'anna.lindqvist',
  'orders',
  'b.okafor',
  'marie-claire.dubois',
  'j.nakamura',
  'newsletter',
  'hans.petersen',
  'office',
  'r.castellanos',
  'support',
];
const PLACES = [
  'northwind.test',
  'example-mail.test',
  'harbour-office.test',
  'post.isp-one.test',
  'very-long-department-name.subsidiary.conglomerate.test',
  'lab.test',
  'city-library.test',
];
const SUBJECTS = [
  'Quarterly figures, second draft',
  'Re: Appointment on Thursday',
  'Invoice 2026-1187',
  'Photographs of the site visit',
  'Fwd: Minutes of the meeting',
  'Train tickets',
  'Ihre Bestellung ist unterwegs – Lieferung am Dienstag zwischen 9 und 12 Uhr',
  'Re: Re: Re: About the long subject that never wants to end because everybody adds a word to it and nobody ever takes one away',
  '会議の議事録',
  '',
];
const STATES: Readonly<Record<Folder, readonly RecipientState[]>> = {
  outbox: ['deferred', 'queued', 'deferred', 'attempting', 'held'],
  sent: ['delivered', 'relayed', 'delivered'],
  bad: ['bad'],
  bounced: ['bounced'],
  deleted: ['delivered', 'bad'],
};
const pick = <T>(list: readonly T[], n: number): T => list[((n % list.length) + list.length) % list.length]!;

function makeRow(folder: Folder, n: number, now: number): MessageRow {
  const state = pick(STATES[folder], n);
  const pending = folder === 'outbox';
  const many = n % 7 === 3;
  const to = many
    ? [0, 1, 2].map((i) => `${pick(PEOPLE, n + i + 2)}@${pick(PLACES, n + i)}`)
    : [`${pick(PEOPLE, n * 3 + 1)}@${pick(PLACES, n * 5)}`];
  return {
    id: `${folder}-${n}`,
    folder,
    state,
    mailFrom: n % 29 === 11 ? null : `${pick(PEOPLE, n)}@${pick(PLACES, n + 1)}`,
    to,
    recipientCount: many ? 3 + (n % 12) : 1,
    subject: pick(SUBJECTS, n * 7 + (n % 3)),
    size: 900 + ((n * 7919) % 60_000) * (n % 11 === 0 ? 190 : 1),
    acceptedAt: now - n * 137_000 - 20_000,
    mayHaveArrived: pending && n % 5 === 2,
    nextAt: pending && state === 'deferred' ? now + (n % 50) * 61_000 + 42_000 : null,
    via: state === 'queued' ? null : pick(['Office', 'mx1.northwind.test', 'Home provider', 'mail.lab.test'], n),
    lastWords: state === 'deferred' ? '450 4.2.0 Greylisted, try again later' : null,
    seen: !(folder === 'bad' || folder === 'bounced') || n >= 3,
  };
}

function makeDetails(row: MessageRow, now: number): MessageDetails {
  const failed = row.state === 'bad' || row.state === 'bounced';
  const start = Math.min(row.acceptedAt + 900, now - 60_000);
  const hopA = { kind: 'mx', host: 'mx1.northwind.test', port: 25, address: '192.0.2.17' } as const;
  const hopB = {
    kind: 'gateway',
    host: 'smtp.harbour-office.test',
    port: 587,
    gatewayId: 'office',
    gatewayName: 'Office',
  } as const;
  const hopC = {
    kind: 'gateway',
    host: 'mail.isp-one.test',
    port: 465,
    gatewayId: 'home',
    gatewayName: 'Home provider',
  } as const;
  const reply = failed
    ? {
        code: 550,
        enhanced: '5.1.1',
        text: `5.1.1 <${row.to[0] ?? ''}>: Recipient address rejected: User unknown in virtual mailbox table`,
      }
    : { code: 450, enhanced: '4.2.0', text: '4.2.0 Greylisted, please try again in 300 seconds' };
  const verdict = failed
    ? ({ kind: 'rejected', scope: 'recipient', status: '5.1.1', reply } as const)
    : ({ kind: 'deferred', scope: 'recipient', status: '4.2.0', why: 'reply', reply } as const);
  const done = row.state === 'delivered' || row.state === 'relayed';
  const final = { code: 250, enhanced: '2.0.0', text: '2.0.0 Ok: queued as 4XkR9z2Jq3z9sT4' };
  const timeline: HopAttempt[] =
    row.state === 'queued'
      ? []
      : [
          {
            attempt: 1,
            hop: hopA,
            startedAt: start,
            endedAt: start + 412,
            network: 'Harbour Office',
            phase: 'rcpt',
            tls: { protocol: 'TLSv1.3', verified: true },
            outcomes: [
              {
                recipient: 1,
                verdict: done
                  ? ({
                      kind: 'deferred',
                      scope: 'recipient',
                      status: '4.2.0',
                      why: 'reply',
                      reply: {
                        code: 450,
                        enhanced: '4.2.0',
                        text: '4.2.0 Greylisted, please try again in 300 seconds',
                      },
                    } as const)
                  : verdict,
              },
            ],
          },
          {
            attempt: 2,
            hop: hopC,
            startedAt: start + 301_000,
            endedAt: start + 301_000,
            network: 'Harbour Office',
            phase: 'connect',
            tls: null,
            skipped: true,
            outcomes: [],
          },
          {
            attempt: 2,
            hop: { ...hopA, host: 'mx2.northwind.test' },
            startedAt: start + 301_000,
            endedAt: start + 311_000,
            network: 'Harbour Office',
            phase: 'connect',
            tls: null,
            error: 'No answer within 10 seconds',
            outcomes: [{ recipient: 1, verdict: { kind: 'deferred', scope: 'host', status: '4.4.1', why: 'timeout' } }],
          },
          {
            attempt: 2,
            hop: hopB,
            startedAt: start + 311_400,
            endedAt: start + 312_650,
            network: 'Harbour Office',
            phase: 'final',
            tls: { protocol: 'TLSv1.3', verified: true },
            outcomes: [{ recipient: 1, verdict: done ? { kind: 'delivered', reply: final } : verdict }],
          },
        ];
  return {
    ...row,
    messageId: `<${row.id}@laptop.test>`,
    headerFrom: row.mailFrom,
    origin: { kind: 'smtp', client: '127.0.0.1' },
    recipients: Array.from({ length: row.recipientCount }, (_, i) => ({
      id: i + 1,
      rcptTo: row.to[i] ?? `recipient-${i + 1}@${pick(PLACES, i)}`,
      state: i === 0 ? row.state : failed && i > 1 ? 'relayed' : row.state,
      mayHaveArrived: row.mayHaveArrived,
      attempts: row.state === 'queued' ? 0 : 2,
      nextAt: row.nextAt,
      doneAt: row.nextAt === null && row.folder !== 'outbox' ? start + 312_650 : null,
      reply: row.state === 'queued' ? null : done || (failed && i > 1) ? final : reply,
      status: null,
      hop: hopB,
      why:
        row.state === 'queued'
          ? []
          : done || (failed && i > 1)
            ? [{ id: 'why.relayed.error.smtp', params: { via: 'Office' } }, { id: 'why.notProof' }]
            : [{ id: 'defer.reply', params: { via: 'mx1.northwind.test', reply: reply.text } }],
    })),
    timeline,
  };
}

export function sampleSettings(): Settings {
  const settings = defaultSettings();
  return {
    ...settings,
    gateways: {
      ...settings.gateways,
      mode: 'onError',
      domains: ['aol.com', '*.example.com', 'conglomerate.test'],
      list: [
        {
          id: 'office',
          name: 'Office',
          host: 'smtp.harbour-office.test',
          port: 587,
          auth: 'password',
          username: 'anna',
          priority: 'highest',
        },
        {
          id: 'home',
          name: 'Home provider',
          host: 'mail.isp-one.test',
          port: 465,
          auth: 'password',
          username: 'anna@isp-one.test',
          priority: 'normal',
        },
        { id: 'mobile', name: 'Mobile', host: 'smtp.mobile-carrier.test', port: 587, priority: 'normal' },
        {
          id: 'old',
          name: 'The old server in the basement that nobody dares to switch off',
          host: 'a-very-long-host-name-for-a-mail-server.subsidiary.conglomerate.test',
          port: 25,
          security: 'none',
          priority: 'low',
          enabled: false,
        },
      ].map((gateway) => gatewaySchema.parse(gateway)),
    },
  };
}

export function sampleStates(now: number): readonly GatewayState[] {
  return [
    {
      id: 'office',
      state: 'works',
      phrase: { id: 'works here (TLS 1.3, 41 ms)' },
      since: now - 60_000,
      restsUntil: null,
      hasSecret: true,
    },
    {
      id: 'home',
      state: 'unreachable',
      phrase: { id: 'not reachable here since 10:32' },
      since: now - 600_000,
      restsUntil: now + 30_000,
      hasSecret: true,
    },
    {
      id: 'mobile',
      state: 'sign-in-refused',
      phrase: { id: 'sign-in refused' },
      since: now - 600_000,
      restsUntil: null,
      hasSecret: false,
    },
    { id: 'old', state: 'disabled', phrase: { id: 'switched off' }, since: null, restsUntil: null, hasSecret: false },
  ];
}

export function createMockBridge(options: MockOptions = {}): MockBridge {
  const now = options.now ?? Date.now();
  const sizes = { outbox: 1240, sent: 100_000, bad: 12, bounced: 5, deleted: 0, ...options.counts };
  const folders = new Map<Folder, MessageRow[]>();
  const rowsOf = (folder: Folder): MessageRow[] => {
    let rows = folders.get(folder);
    if (rows === undefined)
      folders.set(folder, (rows = Array.from({ length: sizes[folder] }, (_, n) => makeRow(folder, n, now))));
    return rows;
  };
  const base = sampleSettings();
  const changed = options.settings?.(base) ?? base;
  let settings = changed as Settings;
  const handlers = new Map<EventName, Set<(payload: never) => void>>();
  const answers = new Map<MethodName, (input: never) => Result<unknown>>();
  const deletions: (readonly MessageRow[])[] = [];
  const calls: { name: MethodName; input: unknown }[] = [];
  let paused = false;

  const counts = (): FolderCounts => ({
    outbox: rowsOf('outbox').length,
    sent: folders.get('sent')?.length ?? sizes.sent,
    bad: rowsOf('bad').length,
    bounced: rowsOf('bounced').length,
    deleted: rowsOf('deleted').length,
    unseenBad: rowsOf('bad').filter((row) => !row.seen).length,
    unseenBounced: rowsOf('bounced').filter((row) => !row.seen).length,
  });
  const status = (): AppStatus => ({
    version: '0.1.0',
    pid: 4711,
    profile: 'profile',
    state: paused ? 'paused' : 'sending',
    phrases: paused ? [{ id: 'hold.paused' }] : [{ id: 'status.sending', params: { count: 3 } }],
    paused,
    hold: paused ? 'paused' : null,
    listener: { kind: 'listening', hosts: ['127.0.0.1', '::1'], port: 2525 },
    network: {
      online: true,
      id: 'net-office',
      name: 'Harbour Office',
      kind: 'wifi',
      links: [],
      portal: false,
      metered: false,
      since: now - 3_600_000,
    },
    dialUp: { required: false, active: [], holding: false, lastAction: null },
    counts: counts(),
    sending: 3,
    mode: settings.gateways.mode,
    secrets: { protection: 'protected', backend: 'gnome-keyring' },
    problems: [],
    ...options.status,
  });
  const emit = <E extends EventName>(event: E, payload: Events[E]) => {
    for (const listener of handlers.get(event) ?? []) (listener as (payload: Events[E]) => void)(payload);
  };
  const matching = (folder: Folder, search: string) => {
    const words = search.toLowerCase();
    return words === ''
      ? rowsOf(folder)
      : rowsOf(folder).filter((row) =>
          [row.subject, row.mailFrom, ...row.to].some((field) => field?.toLowerCase().includes(words) === true),
        );
  };
  const chosen = (selection: Selection): readonly MessageRow[] => {
    if ('deletedFrom' in selection) return deletions[selection.deletedFrom] ?? [];
    if ('ids' in selection) {
      const ids = new Set(selection.ids);
      return [...folders.values()].flat().filter((row) => ids.has(row.id));
    }
    const except = new Set(selection.except);
    return matching(selection.folder, selection.search).filter((row) => !except.has(row.id));
  };
  const move = (rows: readonly MessageRow[], to: Folder | null) => {
    const ids = new Set(rows.map((row) => row.id));
    for (const [folder, all] of folders)
      folders.set(
        folder,
        all.filter((row) => !ids.has(row.id)),
      );
    if (to !== null)
      folders.set(
        to,
        [...rows, ...rowsOf(to)].sort((a, b) => b.acceptedAt - a.acceptedAt),
      );
    emit('queue:changed', {});
    return { count: rows.length };
  };
  const find = (id: string) =>
    rowsOf(id.split('-')[0] as Folder).find((row) => row.id === id) ??
    [...folders.values()].flat().find((row) => row.id === id);
  const SORTS = {
    state: (row: MessageRow) => row.state,
    from: (row: MessageRow) => row.mailFrom ?? '',
    to: (row: MessageRow) => row.to[0] ?? '',
    subject: (row: MessageRow) => row.subject,
    size: (row: MessageRow) => row.size,
    age: (row: MessageRow) => row.acceptedAt,
    next: (row: MessageRow) => row.nextAt ?? 0,
    via: (row: MessageRow) => row.via ?? '',
  } as const;

  const own: { readonly [M in MethodName]?: (input: Parsed<M>) => Result<Output<M>> } = {
    'status.get': () => ok(status()),
    'queue.folders': () => ok(counts()),
    'queue.list': ({ folder, search, sort, descending, offset, limit }) => {
      let rows = matching(folder, search);
      if (sort !== 'age' || !descending) {
        const key = SORTS[sort];
        const order = descending ? -1 : 1;
        rows = [...rows].sort((a, b) => (key(a) < key(b) ? -order : key(a) > key(b) ? order : 0));
      }
      return ok({ total: rows.length, rows: rows.slice(offset, offset + limit) });
    },
    'queue.show': ({ id }) => {
      const row = find(id);
      return row === undefined ? fail('not-found', 'This message is no longer there.') : ok(makeDetails(row, now));
    },
    'queue.raw': ({ offset, length }) => {
      const source = `Received: from laptop.test ([127.0.0.1])\r\n\tby laptop.test with ESMTP id 4XkR9z2Jq3; Mon, 23 Nov 2026 09:12:44 +0100\r\nFrom: Anna Lindqvist <anna.lindqvist@northwind.test>\r\nTo: office@lab.test\r\nSubject: Quarterly figures\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${'Good morning,\r\n\r\nhere are the figures that we talked about.\r\n\r\n'.repeat(4000)}`;
      return ok({ total: source.length, base64: btoa(source.slice(offset, offset + length)) });
    },
    'queue.preview': () =>
      ok({
        text: 'Good morning,\n\nhere are the figures that we talked about on Tuesday. The second sheet is still a draft: the numbers of the northern branch arrive tomorrow.\n\nKind regards\nAnna',
        html: '<p>Good morning,</p><p>here are the <b>figures</b> that we talked about on Tuesday.</p><img src="http://tracker.test/x.gif" onerror="top.pwned=1"><script>top.pwned=1</script>',
        attachments: [
          { index: 0, name: 'figures-q3.ods', type: 'application/vnd.oasis.opendocument.spreadsheet', size: 184_320 },
          {
            index: 1,
            name: 'a very long file name that somebody gave to a picture of the northern branch.jpeg',
            type: 'image/jpeg',
            size: 4_184_320,
          },
        ],
        truncated: false,
      }),
    'queue.retry': ({ selection }) => ok({ count: chosen(selection).length, sending: 0 }),
    'queue.delete': ({ selection }) => {
      const rows = chosen(selection);
      const gone = rows[0] !== undefined && rowsOf('deleted').includes(rows[0]);
      const span = { deletedFrom: deletions.length, deletedTo: deletions.length };
      deletions.push(rows);
      return ok({ ...move(rows, gone ? null : 'deleted'), undo: gone ? null : span, sending: 0, kept: 0 });
    },
    'queue.restore': ({ selection }) => {
      const rows = chosen(selection);
      return ok(move(rows, (rows[0]?.id.split('-')[0] as Folder | undefined) ?? 'outbox'));
    },
    'queue.markSeen': ({ selection }) => {
      const rows = new Set(chosen(selection));
      for (const [folder, all] of folders)
        folders.set(
          folder,
          all.map((row) => (rows.has(row) ? { ...row, seen: true } : row)),
        );
      emit('queue:changed', {});
      return ok({ count: rows.size });
    },
    'queue.submitTest': () => ok({ id: 'sent-0' }),
    'queue.activity': ({ span }) => {
      const bucketMs = span === 'hour' ? 60_000 : 3_600_000;
      const count = { hour: 60, day: 48, month: 744 }[span];
      const from = Math.floor(now / bucketMs) * bucketMs - (count - 1) * bucketMs;
      const points = Array.from({ length: options.counts?.sent === 0 ? 0 : count }, (_, i) => ({
        at: from + i * bucketMs,
        accepted: (i * 7919) % 13 > 8 ? (i * 31) % 9 : 0,
        delivered: (i * 7919) % 13 > 7 ? (i * 37) % 8 : 0,
        deferred: i % 9 === 4 ? (i % 5) + 1 : 0,
      }));
      return ok({
        bucketMs,
        points,
        networkChanges: [
          { at: from + 8.4 * bucketMs, name: 'linden-street' },
          { at: from + 21 * bucketMs, name: null },
          { at: from + count * 0.7 * bucketMs, name: 'Harbour Office' },
        ],
      });
    },
    'gateways.discover': ({ address }) =>
      ok({
        found: [
          {
            source: 'autoconfig',
            outside: false,
            gateway: gatewaySchema.parse({
              id: 'new',
              name: 'Harbour Mail',
              host: `smtp.${address.split('@')[1] ?? 'harbour.test'}`,
              port: 465,
              security: 'tls',
              auth: 'password',
              username: address,
            }),
          },
        ],
      }),
    'queue.resend': () => ok({ id: 'outbox-new' }),
    'queue.invalidAddresses': () =>
      ok({
        rows: [
          {
            address: 'nobody@northwind.test',
            reply: '550 5.1.1 User unknown in virtual mailbox table',
            at: now - 3_600_000,
            count: 2,
          },
          {
            address: 'former.colleague@very-long-department-name.subsidiary.conglomerate.test',
            reply: '550 5.1.6 Mailbox has moved',
            at: now - 86_400_000 * 3,
            count: 1,
          },
        ],
      }),
    'queue.clearInvalidAddresses': () => ok({ count: 2 }),
    'control.sendNow': () => ok({ count: 3, phrase: { id: 'status.sendingNow', params: { count: 3 } } }),
    'control.pause': () => {
      paused = true;
      emit('status:changed', status());
      return ok({ paused });
    },
    'control.resume': () => {
      paused = false;
      emit('status:changed', status());
      return ok({ paused });
    },
    'control.dismissProblem': () => ok({}),
    'settings.get': () => ok(settings),
    'settings.set': ({ changes }) => {
      const next = structuredClone(settings) as unknown as Record<string, unknown>;
      for (const { path, value } of changes) {
        const keys = path.split('.');
        const last = keys.pop()!;
        let place = next;
        for (const key of keys) place = (place[key] ??= {}) as Record<string, unknown>;
        place[last] = value;
      }
      const parsed = parseSettings(next);
      if (!parsed.ok) return ok({ saved: false, problems: parsed.problems });
      ({ settings } = parsed);
      queueMicrotask(() => emit('settings:changed', {}));
      return ok({ saved: true, settings });
    },
    'settings.export': () => ok({ json: JSON.stringify(settings) }),
    'secrets.set': () => ok({ stored: true, needsConsent: false }),
    'gateways.states': () => ok({ states: options.states ?? sampleStates(now) }),
    'gateways.test': () =>
      ok({
        ok: false,
        steps: [
          { step: 'dns', ok: true, phrase: { id: 'smtp.harbour-office.test is 192.0.2.40' }, detail: null, ms: 12 },
          {
            step: 'connect',
            ok: true,
            phrase: { id: 'Connected to port 587' },
            detail: '220 smtp.harbour-office.test ESMTP',
            ms: 41,
          },
          { step: 'tls', ok: true, phrase: { id: 'TLS 1.3, certificate verified' }, detail: null, ms: 63 },
          {
            step: 'sign-in',
            ok: false,
            phrase: { id: 'The server refused user name or password' },
            detail: '535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6',
            ms: 210,
          },
          { step: 'transaction', ok: null, phrase: { id: 'Not reached' }, detail: null, ms: 0 },
        ],
      }),
    'networks.list': () =>
      ok({
        networks: [
          {
            id: 'net-office',
            systemName: 'HARBOUR-5G',
            givenName: 'Harbour Office',
            lastSeen: now,
            current: true,
            directBlocked: true,
          },
          {
            id: 'net-home',
            systemName: 'linden-street',
            givenName: null,
            lastSeen: now - 50_400_000,
            current: false,
            directBlocked: false,
          },
          {
            id: 'net-train',
            systemName: null,
            givenName: null,
            lastSeen: now - 86_400_000 * 9,
            current: false,
            directBlocked: true,
          },
        ],
      }),
    'networks.forget': () => ok({}),
    'networks.retestDirect': () => ok({ phrase: { id: 'direct.retesting' } }),
    'server.setPassword': () => ok({}),
    'server.usePort': ({ port }) => ok({ port }),
    'security.makeDkimKey': ({ domain, selector }) =>
      ok({
        name: `${selector}._domainkey.${domain}`,
        value: `v=DKIM1; k=rsa; p=${'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA'.repeat(4)}`,
      }),
    'security.dkimRecord': ({ domain, selector }) =>
      ok({ name: `${selector}._domainkey.${domain}`, value: 'v=DKIM1; k=rsa; p=MIIBIjANBg' }),
    'app.saveMessage': () => ok({ saved: true }),
    'app.saveAttachment': () => ok({ saved: true }),
    'app.saveText': () => ok({ saved: true }),
    'app.openText': () => ok({ text: null }),
    'app.openLogs': () => ok({}),
    'app.openSettings': () => ok({}),
    'app.copy': () => ok({}),
  };

  return {
    calls,
    emit,
    settings: () => settings,
    answer: (name, handler) => {
      answers.set(name, handler);
    },
    arrive: (folder, count) => {
      const rows = rowsOf(folder);
      const start = rows.length;
      folders.set(folder, [
        ...Array.from({ length: count }, (_, n) => ({
          ...makeRow(folder, start + n, now),
          id: `${folder}-${start + n + 1_000_000}`,
          acceptedAt: now + start + n,
        })),
        ...rows,
      ]);
      emit('queue:changed', {});
    },
    call: async <M extends MethodName>(name: M, input: Input<M>): Promise<Result<Output<M>>> => {
      calls.push({ name, input });
      await Promise.resolve();
      const parsed = methods[name].input.safeParse(input);
      if (!parsed.success) return fail('bad-input', parsed.error.message);
      const handler = (answers.get(name) ?? own[name]) as ((input: unknown) => Result<Output<M>>) | undefined;
      return handler === undefined ? fail('not-found', `${name} is not part of the mock`) : handler(parsed.data);
    },
    on: (event, listener) => {
      const set = handlers.get(event) ?? new Set();
      handlers.set(event, set.add(listener));
      return () => {
        set.delete(listener);
      };
    },
  };
}
