/**
 * Everything that happens in a soak, by chance: mail programs, the user, servers, resolvers, networks, clocks and deaths. Each
 * action writes down what it means in the ledger before it is begun and after it is answered.
 */
import type { Selection } from '../../shared/ipc-contract.ts';
import type { Folder, MessageDetails, MessageRow } from '../../shared/mail.ts';
import { FOLDERS } from '../../shared/mail.ts';
import { MODES, PRIORITIES } from '../../shared/settings.ts';
import type { Chance } from './chance.ts';
import type { House } from './house.ts';
import { DNS_MOODS, DOMAINS, GATEWAYS, MISTYPED, SIGN_IN_GATEWAY } from './internet.ts';
import { letterText, readReport, type Conditions, type Copy, type GatewayTerms, type Ledger } from './ledger.ts';
import { MOODS, type Mood } from './mail-server.ts';

/** What all actions work with. */
export interface Soak {
  readonly house: House;
  readonly ledger: Ledger;
  readonly chance: Chance;
  readonly state: SoakState;
}

/** What the next actions depend on. */
export interface SoakState {
  letters: number;
  network: { name: string | null; portal: boolean; dialUp: boolean };
  /** settings.json as it was before somebody spoiled it; null = it is well. */
  goodSettings: string | null;
  /** The last undo that the program offered. */
  undo: { readonly selection: Selection; readonly copies: readonly Copy[] } | null;
}

interface Action {
  readonly name: string;
  /** How often, compared with the others; 0 = not now. */
  readonly weight: (soak: Soak) => number;
  readonly run: (soak: Soak) => Promise<void>;
}

const MOST_RECIPIENTS = 40;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
export const NETWORKS = ['home', 'office', 'hotel'] as const;

/** Takes one action by chance, none of those that are left out. */
export async function act(soak: Soak, without: readonly string[]): Promise<void> {
  const weights = ACTIONS.map((action) => (without.includes(action.name) ? 0 : action.weight(soak)));
  let at = soak.chance.next() * weights.reduce((sum, weight) => sum + weight, 0);
  const chosen = ACTIONS.find((_, i) => (at -= weights[i] ?? 0) < 0) ?? ACTIONS[0];
  if (!chosen) return;
  soak.ledger.note(`— ${chosen.name}`);
  await chosen.run(soak);
  // Somebody notices that the program is gone.
  if (!soak.house.running()) await soak.house.start();
}

// ------------------------------------------------------------------ mail

async function handIn(soak: Soak, recipients: number): Promise<void> {
  const { house, ledger, chance, state } = soak;
  state.letters += 1;
  const tag = `m${state.letters}`;
  const sender = chance.happens(0.05) ? null : `s-${tag}@sender.test`;
  const people = Array.from({ length: recipients }, (_, i) => {
    const domain = chance.happens(0.05) ? MISTYPED : chance.pick(DOMAINS);
    const notify = chance.happens(0.1)
      ? chance.pick([['never'], ['success', 'failure'], ['delay']] as const)
      : undefined;
    return { address: `${tag}-r${i}@${domain}`, notify };
  });
  const letter = ledger.handIn(tag, sender, people);
  const filler = chance.happens(0.05) ? chance.int(100, 20_000) : chance.int(1, 20);
  const done = await house.submit({ sender, recipients: people, text: letterText(tag, sender, filler) });
  switch (done.kind) {
    case 'accepted':
      return ledger.accepted(letter, done.id);
    case 'refused':
      return ledger.refusedToTake(letter, done.words);
    case 'unknown':
      return ledger.neverAnswered(letter);
  }
}

// ------------------------------------------------------------------ user

/** A page of a folder, from a random place. */
async function page(soak: Soak, folder: Folder, limit = 20): Promise<readonly MessageRow[]> {
  const counts = await soak.house.call('queue.folders', {});
  if (counts.kind !== 'answer') return [];
  const offset = soak.chance.int(0, Math.max(0, counts.value[folder] - limit));
  const listed = await soak.house.call('queue.list', { folder, offset, limit });
  return listed.kind === 'answer' ? listed.value.rows : [];
}

/** Some messages of one folder. */
async function someMessages(soak: Soak, ...folders: readonly Folder[]): Promise<readonly MessageRow[]> {
  const rows = await page(soak, soak.chance.pick(folders));
  if (rows.length === 0) return [];
  const few = soak.chance.int(1, Math.min(4, rows.length));
  return Array.from({ length: few }, () => soak.chance.pick(rows));
}

function copiesOf({ ledger }: Soak, rows: readonly { readonly id: string }[]): readonly Copy[] {
  return [...new Set(rows.map((row) => row.id))].flatMap((id) => ledger.copies.get(id) ?? []);
}

/** All of a folder, for actions that name it as a whole. */
async function wholeFolder(soak: Soak, folder: Folder, search: string): Promise<readonly MessageRow[]> {
  const rows: MessageRow[] = [];
  for (;;) {
    const listed = await soak.house.call('queue.list', { folder, search, offset: rows.length, limit: 1000 });
    if (listed.kind !== 'answer' || listed.value.rows.length === 0) return rows;
    rows.push(...listed.value.rows);
  }
}

/** Reports are read before they are thrown away: they are how a sender is told. */
async function readReports({ house, ledger }: Soak, rows: readonly MessageRow[]): Promise<void> {
  for (const row of rows.filter((r) => r.mailFrom === null && r.folder !== 'sent')) {
    const raw = await house.call('queue.raw', { id: row.id });
    const report =
      raw.kind === 'answer' ? readReport(Buffer.from(raw.value.base64, 'base64').toString('latin1')) : null;
    if (report) ledger.reported(report);
  }
}

async function retry(
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

async function remove(soak: Soak, rows: readonly MessageRow[], selection: Selection): Promise<void> {
  if (rows.length === 0) return;
  const { house, ledger, state } = soak;
  await readReports(soak, rows);
  const copies = copiesOf(soak, rows);
  // From Deleted it is for good. A message may have come there meanwhile, so both count.
  const purging = rows.some((row) => row.folder === 'deleted');
  const done = ledger.acting(purging ? 'purge' : 'delete', copies);
  const answer = await house.call('queue.delete', { selection });
  if (answer.kind !== 'answer') return;
  done();
  if (answer.value.undo !== null) state.undo = { selection: answer.value.undo, copies };
}

async function restore(soak: Soak, copies: readonly Copy[], selection: Selection): Promise<void> {
  const done = soak.ledger.acting('restore', copies);
  const answer = await soak.house.call('queue.restore', { selection });
  if (answer.kind === 'answer') done();
}

/** A message with recipients that failed, and these. */
async function someFailed(soak: Soak): Promise<{ readonly id: string; readonly failed: readonly Copy[] } | null> {
  const { house, ledger, chance } = soak;
  // Those that wait for other recipients are the interesting ones, and rare.
  const rows = await page(soak, chance.pick(['bounced', 'bad', 'outbox', 'outbox']));
  const from = rows.length === 0 ? 0 : chance.int(0, rows.length - 1);
  for (const row of [...rows.slice(from), ...rows.slice(0, from)].slice(0, 10)) {
    const shown = await house.call('queue.show', { id: row.id });
    if (shown.kind !== 'answer') return null;
    const failed = shown.value.recipients.filter((r) => r.state === 'bounced' || r.state === 'bad');
    const copies = (ledger.copies.get(row.id) ?? []).filter((c) => failed.some((r) => r.rcptTo === c.person.address));
    if (copies.length > 0) return { id: row.id, failed: copies };
  }
  return null;
}

async function sendAgain(soak: Soak): Promise<void> {
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
  const answer = await house.call('queue.resend', { id: found.id, recipients: mended.map((m) => m.address) });
  if (answer.kind === 'failed') {
    // Nothing was done; what was written down as begun stays begun, which forbids nothing.
    ledger.note(`not sent again: ${answer.code}`);
    for (const copy of made) ledger.withdraw(copy);
  } else if (answer.kind === 'answer') {
    done();
    for (const copy of made) ledger.confirm(copy, answer.value.id);
  }
}

async function testMessage(soak: Soak): Promise<void> {
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

/** Looks at things, which must change nothing. */
async function look(soak: Soak): Promise<void> {
  const { house, chance } = soak;
  const rows = await page(soak, chance.pick(FOLDERS));
  const row = rows[0];
  switch (chance.int(0, 8)) {
    case 0:
      if (row) await house.call('queue.markSeen', { selection: { ids: [row.id] } });
      return;
    case 1:
      if (row) await house.call('queue.show', { id: row.id });
      return;
    case 2:
      if (row) await house.call('queue.raw', { id: row.id, offset: chance.int(0, 500), length: chance.int(1, 5000) });
      return;
    case 3:
      await house.call('queue.invalidAddresses', {});
      return;
    case 4:
      await house.call('queue.clearInvalidAddresses', {});
      return;
    case 5:
      await house.call('queue.activity', { span: chance.pick(['hour', 'day', 'month']) });
      return;
    case 6:
      await house.call('networks.list', {});
      return;
    case 7:
      await house.call('status.get', {});
      return;
    default:
      await house.call('gateways.states', {});
  }
}

// ------------------------------------------------------------------ settings

type Change = { readonly path: string; readonly value: unknown };

/**
 * Has settings changed, by window or import, until it is answered: a user sees that the program was gone and does it again.
 */
async function setSettings(
  soak: Soak,
  changes: readonly Change[],
  conditions: Partial<Conditions>,
  asImport = false,
): Promise<void> {
  const { house, ledger } = soak;
  const settled = ledger.changing(conditions);
  for (let tries = 0; tries < 20; tries += 1) {
    const answer = asImport
      ? await imported(soak, changes)
      : await house.call('settings.set', { changes: [...changes] });
    if (answer.kind === 'answer') {
      if (!answer.value.saved) throw new Error(`settings were refused: ${JSON.stringify(answer.value.problems)}`);
      settled();
      return;
    }
    if (!house.running()) await house.start();
  }
  throw new Error('settings could not be set');
}

/** The same changes by way of an exported file. */
async function imported({ house }: Soak, changes: readonly Change[]) {
  const file = await house.call('settings.export', {});
  if (file.kind !== 'answer') return file;
  const all = JSON.parse(file.value.json) as Record<string, unknown>;
  for (const { path, value } of changes) {
    const names = path.split('.');
    let at = all;
    for (const name of names.slice(0, -1)) at = at[name] as Record<string, unknown>;
    at[names.at(-1) ?? ''] = value;
  }
  return house.call('settings.import', { json: JSON.stringify(all) });
}

async function changeMode(soak: Soak): Promise<void> {
  const mode = soak.chance.pick(MODES);
  await setSettings(soak, [{ path: 'gateways.mode', value: mode }], { mode }, soak.chance.happens(0.2));
}

async function changeGateways(soak: Soak): Promise<void> {
  const { chance, ledger, house } = soak;
  const id = chance.pick(GATEWAYS);
  const change = (over: Partial<GatewayTerms>): Partial<Conditions> => ({
    gateways: ledger.conditions.gateways.map((g) => (g.id === id ? { ...g, ...over } : g)),
  });
  switch (chance.int(0, 5)) {
    case 0: {
      const enabled = chance.happens(0.7);
      return setSettings(soak, [{ path: `gateways.list.${id}.enabled`, value: enabled }], change({ enabled }));
    }
    case 1: {
      const networks = chance.happens(0.6) ? [] : [chance.pick(NETWORKS)];
      return setSettings(soak, [{ path: `gateways.list.${id}.networks`, value: networks }], change({ networks }));
    }
    case 2: {
      const senders = chance.happens(0.7) ? [] : [chance.pick(['sender.test', 'other.test'])];
      return setSettings(soak, [{ path: `gateways.list.${id}.senders`, value: senders }], change({ senders }));
    }
    case 3:
      return setSettings(soak, [{ path: `gateways.list.${id}.priority`, value: chance.pick(PRIORITIES) }], {});
    case 4:
      await house.call('secrets.set', {
        gatewayId: SIGN_IN_GATEWAY,
        secret: chance.pick(['correct-horse-battery', 'correct-horse-battery', 'wrong-password']),
        acceptObfuscated: true,
      });
      return;
    default: {
      const onErrors = { lan: chance.happens(0.5), dns: chance.happens(0.5), smtp: chance.happens(0.5) };
      return setSettings(soak, [{ path: 'gateways.onErrors', value: onErrors }], {});
    }
  }
}

async function changeOther(soak: Soak): Promise<void> {
  const { chance } = soak;
  switch (chance.int(0, 5)) {
    case 0: {
      const limit = chance.pick([
        { value: 4, unit: 'days' },
        { value: 1, unit: 'hours' },
        { value: 5, unit: 'attempts' },
      ] as const);
      return setSettings(soak, [{ path: 'administration.undeliverableAfter', value: limit }], { limit });
    }
    case 1: {
      const returnUndeliverable = chance.happens(0.7);
      return setSettings(soak, [{ path: 'administration.returnUndeliverable', value: returnUndeliverable }], {
        returnUndeliverable,
      });
    }
    case 2:
      return setSettings(soak, [{ path: 'administration.forceDelivery', value: chance.happens(0.5) }], {});
    case 3:
      return setSettings(soak, [{ path: 'administration.attachOriginal', value: chance.happens(0.5) }], {});
    case 4:
      return setSettings(soak, [{ path: 'connection.maxOutgoing', value: chance.int(1, 30) }], {});
    default: {
      const dialUpRequired = chance.happens(0.4);
      return setSettings(soak, [{ path: 'dialUp.requireConnection', value: dialUpRequired }], { dialUpRequired });
    }
  }
}

/** Somebody edits settings.json by hand and gets it wrong. What restricts where mail may go must then hold it. */
async function spoilSettings(soak: Soak): Promise<void> {
  const { house, ledger, chance, state } = soak;
  const good = house.settingsText();
  const spoiled = chance.pick<(text: string) => string>([
    (text) => text.replace(/"mode": *"\w+"/, '"mode": "allways"'),
    (text) => text.replace(/"requireConnection": *\w+/, '"requireConnection": "perhaps"'),
    (text) => text.slice(0, Math.floor(text.length / 2)),
  ])(good);
  if (spoiled === good) return;
  state.goodSettings = good;
  const settled = ledger.changing({ readable: false });
  await house.writeSettings(spoiled);
  // A program that runs may go on with what it knew while the file as a whole cannot be read.
  if (isJson(spoiled)) settled();
  else if (chance.happens(0.5)) {
    await house.quit();
    ledger.disturb();
    await house.start();
    settled();
  }
}

async function mendSettings(soak: Soak): Promise<void> {
  const { house, ledger, state } = soak;
  if (state.goodSettings === null) return;
  const settled = ledger.changing({ readable: true });
  await house.writeSettings(state.goodSettings);
  state.goodSettings = null;
  settled();
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

// ------------------------------------------------------------------ world

/** A server's mood; willing ones are told from when. */
export function setMood({ house, ledger }: Pick<Soak, 'house' | 'ledger'>, id: string, mood: Mood): void {
  ledger.note(`${id} is ${mood}`);
  house.become(id, mood);
  if (mood !== 'willing') ledger.willingSince.delete(id);
  else if (!ledger.willingSince.has(id)) ledger.willingSince.set(id, house.now());
}

function changeMood(soak: Soak): Promise<void> {
  const { house, chance } = soak;
  const host = chance.pick(house.internet.hosts);
  setMood(soak, host.id, chance.happens(0.4) ? 'willing' : chance.pick(MOODS));
  return Promise.resolve();
}

function changeResolver({ house, ledger, chance }: Soak): Promise<void> {
  const mood = chance.happens(0.5) ? 'sane' : chance.pick(DNS_MOODS);
  ledger.changing({ resolver: mood })();
  house.resolver(mood);
  return Promise.resolve();
}

/** Puts the laptop on another network, or off. */
export async function setNetwork(
  soak: Pick<Soak, 'house' | 'ledger' | 'state'>,
  next: SoakState['network'],
): Promise<void> {
  const { house, ledger, state } = soak;
  const settled = ledger.changing({ network: next.name, portal: next.portal, dialUpActive: next.dialUp });
  ledger.disturb();
  state.network = next;
  await house.network(next);
  settled();
}

async function changeNetwork(soak: Soak): Promise<void> {
  const { chance, state } = soak;
  const { network } = state;
  switch (chance.int(0, 3)) {
    case 0:
      return setNetwork(soak, {
        ...network,
        name: network.name === null ? chance.pick(NETWORKS) : null,
        portal: false,
      });
    case 1:
      return setNetwork(soak, { ...network, name: chance.pick(NETWORKS), portal: chance.happens(0.2) });
    case 2:
      return setNetwork(soak, { ...network, portal: network.name !== null && !network.portal && chance.happens(0.3) });
    default:
      return setNetwork(soak, { ...network, dialUp: !network.dialUp });
  }
}

function jump({ house, ledger, chance }: Soak): void {
  const ms = chance.pick([-3 * DAY_MS, -HOUR_MS, -60_000, 60_000, HOUR_MS, DAY_MS]);
  ledger.note(`clock set by ${ms / 1000} s`);
  house.jumpClock(ms);
  ledger.noteWall();
}

async function quit({ house, ledger }: Soak): Promise<void> {
  ledger.disturb();
  await house.quit();
  ledger.disturb();
  await house.start();
}

/** At some moment while it works; in every second case while it is asked for something. */
async function kill(soak: Soak): Promise<void> {
  const { house, ledger, chance } = soak;
  const dead = house.kill(chance.next()).then(() => ledger.disturb());
  if (chance.happens(0.5)) {
    await chance.pick([
      () => handIn(soak, 3),
      () => sendAgain(soak),
      () => testMessage(soak),
      async () => {
        const rows = await someMessages(soak, 'outbox', 'bounced', 'bad');
        await remove(soak, rows, { ids: rows.map((r) => r.id) });
      },
    ])();
  }
  await dead;
  await house.start();
}

// ------------------------------------------------------------------ the list

const always =
  (weight: number): Action['weight'] =>
  () =>
    weight;
/** While the settings file is spoiled nobody changes settings in the window: that would be to decide what holds. */
const whileReadable =
  (weight: number): Action['weight'] =>
  ({ state }) =>
    state.goodSettings === null ? weight : 0;

const ACTIONS: readonly Action[] = [
  { name: 'mail', weight: always(22), run: (soak) => handIn(soak, soak.chance.int(1, 4)) },
  { name: 'mail to many', weight: always(4), run: (soak) => handIn(soak, soak.chance.int(5, MOST_RECIPIENTS)) },
  {
    name: 'burst of mail',
    weight: always(2),
    run: async (soak) => {
      await Promise.all(Array.from({ length: soak.chance.int(5, 30) }, () => handIn(soak, 1)));
    },
  },
  {
    name: 'retry',
    weight: always(5),
    run: async (soak) => {
      const rows = await someMessages(soak, 'outbox', 'bounced', 'bad');
      await retry(soak, rows, { ids: rows.map((r) => r.id) }, null);
    },
  },
  {
    name: 'send through',
    weight: always(3),
    run: async (soak) => {
      const rows = await someMessages(soak, 'outbox', 'bounced', 'bad');
      await retry(soak, rows, { ids: rows.map((r) => r.id) }, soak.chance.pick(GATEWAYS));
    },
  },
  {
    name: 'retry a folder',
    weight: always(0.5),
    run: async (soak) => {
      const folder = soak.chance.pick(['bounced', 'bad', 'outbox'] as const);
      await retry(soak, await wholeFolder(soak, folder, ''), { folder, search: '', except: [] }, null);
    },
  },
  {
    name: 'delete',
    weight: always(4),
    run: async (soak) => {
      const rows = await someMessages(soak, 'outbox', 'outbox', 'bounced', 'bad', 'sent');
      await remove(soak, rows, { ids: rows.map((r) => r.id) });
    },
  },
  {
    name: 'purge',
    weight: always(1),
    run: async (soak) => {
      const rows = await someMessages(soak, 'deleted');
      await remove(soak, rows, { ids: rows.map((r) => r.id) });
    },
  },
  {
    name: 'delete what a search finds',
    weight: always(0.7),
    run: async (soak) => {
      const folder = soak.chance.pick(['outbox', 'bounced', 'bad'] as const);
      const search = `m${soak.chance.int(1, 9)}${soak.chance.int(0, 9)}`;
      const rows = await wholeFolder(soak, folder, search);
      await remove(soak, rows, { folder, search, except: [] });
    },
  },
  {
    name: 'restore',
    weight: always(3),
    run: async (soak) => {
      const rows = await someMessages(soak, 'deleted');
      if (rows.length > 0) await restore(soak, copiesOf(soak, rows), { ids: rows.map((r) => r.id) });
    },
  },
  {
    name: 'undo',
    weight: ({ state }) => (state.undo === null ? 0 : 2),
    run: async (soak) => {
      const { undo } = soak.state;
      soak.state.undo = null;
      if (undo) await restore(soak, undo.copies, undo.selection);
    },
  },
  { name: 'send again', weight: always(8), run: sendAgain },
  { name: 'test message', weight: always(1), run: testMessage },
  {
    name: 'send now',
    weight: always(2),
    run: async (soak) => {
      const copies = [...soak.ledger.people.values()].flatMap((p) => (p.lost.length > 0 ? p.copies : []));
      const done = soak.ledger.acting('send now', copies);
      const answer = await soak.house.call('control.sendNow', {});
      if (answer.kind === 'answer') done();
    },
  },
  {
    name: 'pause',
    weight: ({ ledger }) => (ledger.conditions.paused ? 0 : 1),
    run: (soak) => pausing(soak, true),
  },
  {
    name: 'resume',
    weight: ({ ledger }) => (ledger.conditions.paused ? 15 : 0.3),
    run: (soak) => pausing(soak, false),
  },
  { name: 'look', weight: always(4), run: look },
  { name: 'pick up', weight: always(0.5), run: async ({ house }) => void (await house.call('control.pickup', {})) },
  {
    name: 'test direct delivery again',
    weight: always(0.5),
    run: async ({ house }) => void (await house.call('networks.retestDirect', {})),
  },
  { name: 'change mode', weight: whileReadable(2), run: changeMode },
  { name: 'change gateways', weight: whileReadable(3), run: changeGateways },
  { name: 'change another setting', weight: whileReadable(3), run: changeOther },
  { name: 'spoil the settings file', weight: whileReadable(0.4), run: spoilSettings },
  { name: 'mend the settings file', weight: ({ state }) => (state.goodSettings === null ? 0 : 12), run: mendSettings },
  { name: 'a server is', weight: always(18), run: changeMood },
  {
    name: 'the resolver is',
    weight: ({ ledger }) => (ledger.conditions.resolver === 'sane' ? 1.5 : 5),
    run: changeResolver,
  },
  {
    name: 'network',
    weight: ({ state }) => (state.network.name === null || state.network.portal ? 12 : 2),
    run: changeNetwork,
  },
  {
    name: 'dial-up comes or goes',
    weight: ({ ledger }) => (ledger.conditions.dialUpRequired && !ledger.conditions.dialUpActive ? 12 : 0.5),
    run: (soak) => setNetwork(soak, { ...soak.state.network, dialUp: !soak.state.network.dialUp }),
  },
  {
    name: 'clock',
    weight: always(0.7),
    run: async (soak) => {
      jump(soak);
      if (!soak.chance.happens(0.5)) return;
      soak.ledger.disturb();
      await soak.house.wakeUp();
    },
  },
  { name: 'kill', weight: always(1), run: kill },
  { name: 'quit', weight: always(0.4), run: quit },
];

async function pausing({ house, ledger }: Soak, paused: boolean): Promise<void> {
  const settled = ledger.changing({ paused });
  const answer = await house.call(paused ? 'control.pause' : 'control.resume', {});
  // Not answered: it holds or not, which the next one settles.
  if (answer.kind === 'answer') settled();
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
