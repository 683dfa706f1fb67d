/**
 * Everything that happens in a soak, by chance: mail programs, the user, servers, resolvers, networks, clocks and deaths. Each
 * action writes down what it means in the ledger before it is begun and after it is answered.
 */
import { GATEWAYS } from './internet.ts';
import { handIn, MAX_RECIPIENTS } from './mail-actions.ts';
import {
  changeGateways,
  changeMode,
  changeOther,
  mendSettings,
  spoilSettings,
  startAgain,
} from './settings-actions.ts';
import type { Soak } from './soak-state.ts';
import {
  copiesOf,
  look,
  pausing,
  remove,
  restore,
  retry,
  sendAgain,
  sendNow,
  someMessages,
  testMessage,
  wholeFolder,
} from './user-actions.ts';
import { changeMood, changeNetwork, changeResolver, jump, kill, quit, setNetwork } from './world-actions.ts';

interface Action {
  readonly name: string;
  /** How often, compared with the others; 0 = not now. */
  readonly weight: (soak: Soak) => number;
  readonly run: (soak: Soak) => Promise<void>;
}

/** Takes one action by chance, none of those that are left out. */
export async function act(soak: Soak, without: readonly string[]): Promise<void> {
  const weights = ACTIONS.map((action) => (without.includes(action.name) ? 0 : action.weight(soak)));
  let at = soak.chance.next() * weights.reduce((sum, weight) => sum + weight, 0);
  const chosen = ACTIONS.find((_, i) => (at -= weights[i] ?? 0) < 0) ?? ACTIONS[0];
  if (!chosen) return;
  soak.ledger.note(`— ${chosen.name}`);
  await chosen.run(soak);
  // Somebody notices that the program is gone.
  await startAgain(soak);
}

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
  { name: 'mail to many', weight: always(4), run: (soak) => handIn(soak, soak.chance.int(5, MAX_RECIPIENTS)) },
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
  { name: 'send now', weight: always(2), run: sendNow },
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
  {
    name: 'pick up',
    weight: always(0.5),
    run: async ({ house }) => {
      await house.call('control.pickup', {});
    },
  },
  {
    name: 'test direct delivery again',
    weight: always(0.5),
    run: async ({ house }) => {
      await house.call('networks.retestDirect', {});
    },
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
