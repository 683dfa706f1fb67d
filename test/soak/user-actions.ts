/** What a user does to messages: in windows or on the command line, it is the same contract. */
import type { Selection } from '../../shared/ipc-contract.ts';
import { FOLDERS, type Folder, type MessageDetails, type MessageRow } from '../../shared/mail.ts';
import { DOMAINS, MISTYPED, NETWORKS } from './internet.ts';
import type { Copy } from './ledger.ts';
import { readReport } from './letter-text.ts';
import { startAgain } from './settings-actions.ts';
import type { Soak } from './soak-state.ts';

/** A page of a folder, from a random place. */
export async function page(soak: Soak, folder: Folder, limit = 20): Promise<readonly MessageRow[]> {
  const counts = await soak.house.call('queue.folders', {});
  if (counts.kind !== 'answer') return [];
  const offset = soak.chance.int(0, Math.max(0, counts.value[folder] - limit));
  const listed = await soak.house.call('queue.list', { folder, offset, limit });
  return listed.kind === 'answer' ? listed.value.rows : [];
}

/** Some messages of one folder. */
export async function someMessages(soak: Soak, ...folders: readonly Folder[]): Promise<readonly MessageRow[]> {
  const rows = await page(soak, soak.chance.pick(folders));
  if (rows.length === 0) return [];
  const few = soak.chance.int(1, Math.min(4, rows.length));
  return Array.from({ length: few }, () => soak.chance.pick(rows));
}

export function copiesOf({ ledger }: Soak, rows: readonly { readonly id: string }[]): readonly Copy[] {
  return [...new Set(rows.map((row) => row.id))].flatMap((id) => ledger.copies.get(id) ?? []);
}

/** All of a folder, for actions that name it as a whole. */
export async function wholeFolder(soak: Soak, folder: Folder, search: string): Promise<readonly MessageRow[]> {
  const rows: MessageRow[] = [];
  for (;;) {
    const listed = await soak.house.call('queue.list', { folder, search, offset: rows.length, limit: 1000 });
    if (listed.kind !== 'answer' || listed.value.rows.length === 0) return rows;
    rows.push(...listed.value.rows);
  }
}

/** Reports are read before they are thrown away: they are how a sender is told. */
export async function readReports({ house, ledger }: Soak, rows: readonly MessageRow[]): Promise<void> {
  for (const row of rows.filter((r) => r.mailFrom === null && r.folder !== 'sent')) {
    const raw = await house.call('queue.raw', { id: row.id });
    const report =
      raw.kind === 'answer' ? readReport(Buffer.from(raw.value.base64, 'base64').toString('latin1')) : null;
    if (report) ledger.reported(report);
  }
}

export async function retry(
  soak: Soak,
  rows: readonly MessageRow[],
  selection: Selection,
  through: string | null,
): Promise<void> {
  if (rows.length === 0) return;
  const done = soak.ledger.acting('retry', copiesOf(soak, rows), through);
  if (through !== null)
    for (const row of rows) if (row.mailFrom === null) for (const to of row.to) soak.ledger.choose(to, through);
  const answer = await soak.house.call('queue.retry', {
    selection,
    ...(through === null ? {} : { throughGateway: through }),
  });
  if (answer.kind === 'answer') done();
}

export async function remove(soak: Soak, rows: readonly MessageRow[], selection: Selection): Promise<void> {
  if (rows.length === 0) return;
  const { house, ledger, chance, state } = soak;
  await readReports(soak, rows);
  const copies = copiesOf(soak, rows);
  // From Deleted it is for good. A message may have come there meanwhile, so both count.
  const purging = rows.some((row) => row.folder === 'deleted');
  const done = ledger.acting(purging ? 'purge' : 'delete', copies);
  const answer = await house.call('queue.delete', {
    selection,
    ...(chance.happens(0.3) ? { forGood: purging } : {}),
  });
  if (answer.kind !== 'answer') return;
  // Who is named by a folder may have left it a moment before.
  if ('ids' in selection) done();
  if (answer.value.undo !== null) state.undo = { selection: answer.value.undo, copies };
}

export async function restore(soak: Soak, copies: readonly Copy[], selection: Selection): Promise<void> {
  const done = soak.ledger.acting('restore', copies);
  const answer = await soak.house.call('queue.restore', { selection });
  if (answer.kind === 'answer') done();
}

/** A message with recipients that failed, and these. */
export async function someFailed(
  soak: Soak,
): Promise<{ readonly id: string; readonly failed: readonly Copy[]; readonly ids: ReadonlyMap<Copy, number> } | null> {
  const { house, ledger, chance } = soak;
  // Those that wait for other recipients are the interesting ones, and rare.
  const rows = await page(soak, chance.pick(['bounced', 'bad', 'outbox', 'outbox']));
  const from = rows.length === 0 ? 0 : chance.int(0, rows.length - 1);
  for (const row of [...rows.slice(from), ...rows.slice(0, from)].slice(0, 10)) {
    const shown = await house.call('queue.show', { id: row.id });
    if (shown.kind !== 'answer') return null;
    const failed = shown.value.recipients.filter((r) => r.state === 'bounced' || r.state === 'bad');
    const ids = new Map<Copy, number>();
    for (const copy of ledger.copies.get(row.id) ?? []) {
      const recipient = failed.find((r) => r.rcptTo === copy.person.address);
      if (recipient) ids.set(copy, recipient.id);
    }
    if (ids.size > 0) return { id: row.id, failed: [...ids.keys()], ids };
  }
  return null;
}

export async function sendAgain(soak: Soak): Promise<void> {
  const { house, ledger, chance } = soak;
  const found = await someFailed(soak);
  if (found === null) return;
  const named = chance.some(found.failed);
  const mended = named.map((copy, i) => {
    const { address, domain, copies } = copy.person;
    const local = address.slice(0, address.indexOf('@'));
    const right = domain === MISTYPED ? chance.pick(DOMAINS) : domain;
    return { copy, address: chance.happens(0.3) ? address : `${local}x${copies.length}${i}@${right}` };
  });
  ledger.note(`send ${found.id} again: ${mended.map((m) => `${m.copy.person.address} as ${m.address}`).join(', ')}`);
  const done = ledger.acting('resend', named);
  const made = mended.map(({ copy, address }) => ledger.sendAgain(copy, address));
  const answer = await house.call('queue.resend', {
    id: found.id,
    replaces: named.flatMap((copy) => found.ids.get(copy) ?? []),
    recipients: mended.map((m) => m.address),
  });
  if (answer.kind === 'failed') {
    // Nothing was done; what was written down as begun stays begun, which forbids nothing.
    ledger.note(`not sent again: ${answer.code}`);
    for (const copy of made) ledger.withdraw(copy);
  } else if (answer.kind === 'answer') {
    done();
    for (const copy of made) ledger.confirm(copy, answer.value.id);
  }
}

export async function testMessage(soak: Soak): Promise<void> {
  const { house, ledger, chance, state } = soak;
  state.letters += 1;
  const tag = `test${state.letters}`;
  const sender = `s-${tag}@sender.test`;
  const to = `${tag}-r0@${chance.pick(DOMAINS)}`;
  const letter = ledger.handIn(tag, sender, [{ address: to }]);
  const answer = await house.call('queue.submitTest', { from: sender, to });
  if (answer.kind === 'answer') ledger.accepted(letter, answer.value.id);
  else if (answer.kind === 'failed') ledger.refusedToTake(letter, answer.message);
  else ledger.neverAnswered(letter);
}

/** *Send now*: for those whose outcome is not known it is the user's word, too. */
export async function sendNow({ house, ledger }: Soak): Promise<void> {
  const copies = [...ledger.people.values()].flatMap((person) => (person.lost.length > 0 ? person.copies : []));
  const done = ledger.acting('send now', copies);
  const answer = await house.call('control.sendNow', {});
  if (answer.kind === 'answer') done();
}

/** Looks at things and puts notes away, which must change nothing for any message. */
export async function look(soak: Soak): Promise<void> {
  const { house, chance } = soak;
  const row = (await page(soak, chance.pick(FOLDERS)))[0];
  const looks: readonly (() => Promise<unknown>)[] = [
    () => house.call('queue.invalidAddresses', {}),
    () => house.call('queue.clearInvalidAddresses', {}),
    () => house.call('queue.activity', { span: chance.pick(['hour', 'day', 'month']) }),
    () => house.call('networks.list', {}),
    () => house.call('networks.current', {}),
    () => house.call('networks.forget', { id: chance.pick(NETWORKS) }),
    () => house.call('dialUp.connections', {}),
    () => house.call('status.get', {}),
    () => house.call('settings.get', {}),
    () => house.call('gateways.states', {}),
    () => house.call('control.dismissProblem', { id: 'settings-file' }),
    ...(row
      ? [
          () => house.call('queue.markSeen', { selection: { ids: [row.id] } }),
          () => house.call('queue.show', { id: row.id }),
          () => house.call('queue.preview', { id: row.id }),
          () => house.call('queue.raw', { id: row.id, offset: chance.int(0, 500), length: chance.int(1, 5000) }),
        ]
      : []),
  ];
  await chance.pick(looks)();
}

/** Until it is answered: a user sees that the program was gone, and does it again. */
export async function pausing(soak: Soak, paused: boolean): Promise<void> {
  for (let tries = 0; tries < 20; tries += 1) {
    const settled = soak.ledger.changing({ paused });
    const answer = await soak.house.call(paused ? 'control.pause' : 'control.resume', {});
    if (answer.kind === 'answer') return settled();
    await startAgain(soak);
  }
  throw new Error('the program cannot be paused');
}

/** Everything that was ever shown, by queue id. */
export async function everything(soak: Soak): Promise<ReadonlyMap<string, MessageDetails>> {
  const shown = new Map<string, MessageDetails>();
  for (const folder of FOLDERS) {
    const rows = await wholeFolder(soak, folder, '');
    await readReports(soak, rows);
    for (const { id } of rows) {
      const details = await soak.house.call('queue.show', { id });
      if (details.kind === 'answer') shown.set(id, details.value);
    }
  }
  return shown;
}
