/**
 * A soak: random actions for a while, then everything is made well again, the queue has to run empty, and what the program shows
 * is held against the ledger.
 */
import { parseSettings, type Settings } from '../../shared/settings.ts';
import { act } from './actions.ts';
import { audit } from './audit.ts';
import { createChance } from './chance.ts';
import type { House } from './house.ts';
import { LISTED, PASSWORD, SIGN_IN_GATEWAY, USER } from './internet.ts';
import type { Conditions } from './conditions.ts';
import { Ledger, type Violation } from './ledger.ts';
import type { Soak, SoakState } from './soak-state.ts';
import { everything } from './user-actions.ts';
import { setMood, setNetwork } from './world-actions.ts';

export interface SoakOptions {
  readonly seed: number;
  /** How long (ms of the house) the random part takes. */
  readonly ms: number;
  /** Names of actions that do not happen, to find out what a violation comes of. */
  readonly without?: readonly string[];
  /** Told now and then how far it is. */
  readonly progress?: (words: string) => void;
  /** Given the ledger at the start, for whoever wants to see it whatever becomes of the run. */
  readonly watch?: (ledger: Ledger) => void;
}

export interface SoakResult {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly letters: number;
  readonly people: number;
  readonly arrivals: number;
  /** People who arrived more than once, all explained if there is no violation. */
  readonly duplicates: number;
  readonly kills: number;
  readonly actions: number;
  /** Of everything that happened: the same for the same seed on the virtual clock. */
  readonly digest: string;
  readonly diary: readonly string[];
}

const FIRST: Conditions = {
  mode: 'onError',
  gateways: [],
  network: 'home',
  portal: false,
  paused: false,
  dialUpRequired: false,
  dialUpActive: false,
  readable: true,
  resolver: 'sane',
  limit: { value: 4, unit: 'days' },
  returnUndeliverable: true,
};

/** The settings that a soak begins with. */
function firstSettings(house: House): Settings {
  const gateways = house.internet.hosts.filter((h) => h.kind === 'gateway');
  const parsed = parseSettings({
    server: { host: ['127.0.0.1'], hostname: 'laptop.home.test' },
    gateways: {
      mode: FIRST.mode,
      onErrors: { lan: true, dns: false, smtp: true },
      domains: [LISTED],
      list: gateways.map(({ id, address, port }) => ({
        id,
        name: id,
        host: address,
        port,
        security: 'none',
        ...(id === SIGN_IN_GATEWAY ? { auth: 'password', username: USER, allowInsecureAuth: true } : {}),
      })),
    },
    // What was sent stays to be looked at; what was deleted goes after its week.
    general: { keepSent: -1 },
    connection: {
      retryMinutes: house.retryMinutes,
      trustLoopbackMx: true,
      directPort: house.internet.host('mx-d0').port,
      serverTimeoutSeconds: 60,
    },
    security: { captivePortalProbe: false },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.settings;
}

/** Runs it. Violations are told, not thrown; what is thrown is the test's own trouble. */
export async function runSoak(house: House, options: SoakOptions): Promise<SoakResult> {
  const chance = createChance(options.seed, 'actions');
  const settings = firstSettings(house);
  const ledger = new Ledger({
    now: () => house.now(),
    wall: () => house.wall(),
    tolerances: house.tolerances,
    first: {
      ...FIRST,
      gateways: settings.gateways.list.map(({ id, enabled }) => ({ id, enabled, networks: [], senders: [] })),
    },
  });
  options.watch?.(ledger);
  const state: SoakState = {
    letters: 0,
    network: { name: 'home', portal: false, dialUp: false },
    goodSettings: null,
    undo: null,
  };
  const soak: Soak = { house, ledger, chance, state };
  await house.open(ledger, (words) => ledger.break('trouble', words), settings);
  for (const { id } of house.internet.hosts) setMood(soak, id, 'willing');

  let actions = 0;
  let told = house.now();
  while (house.now() < options.ms) {
    await act(soak, options.without ?? []);
    actions += 1;
    await house.pass(Math.ceil(-Math.log(1 - chance.next()) * house.paceMs));
    if (house.now() - told > options.ms / 20) {
      told = house.now();
      options.progress?.(
        `${Math.round((100 * told) / options.ms)} %: ${actions} actions, ${state.letters} messages, ${ledger.violations.length} violations`,
      );
    }
  }
  await letGo(soak);
  audit(ledger, await everything(soak));

  const people = [...ledger.people.values()];
  return {
    seed: options.seed,
    violations: ledger.violations,
    letters: state.letters,
    people: people.length,
    arrivals: people.reduce((sum, p) => sum + p.arrivals.length, 0),
    duplicates: people.filter((p) => p.arrivals.length > 1).length,
    kills: ledger.diary.filter((line) => line.endsWith('— kill')).length,
    actions,
    digest: ledger.digest(),
    diary: ledger.diary,
  };
}

/** Everything is made well, and the queue has to run empty. */
async function letGo(soak: Soak): Promise<void> {
  const { house, ledger, state } = soak;
  ledger.note('— everything is well again');
  if (!house.running()) await house.start();
  if (state.goodSettings !== null) {
    const settled = ledger.changing({ readable: true });
    await house.writeSettings(state.goodSettings);
    state.goodSettings = null;
    settled();
  }
  for (const { id } of house.internet.hosts) setMood(soak, id, 'willing');
  ledger.changing({ resolver: 'sane' })();
  house.resolver('sane');
  await setNetwork(soak, { name: 'office', portal: false, dialUp: true });
  const gateways = ledger.conditions.gateways.map(({ id }) => ({ id, enabled: true, networks: [], senders: [] }));
  const settled = ledger.changing({ gateways, paused: false, dialUpRequired: false });
  const changes = gateways.flatMap(({ id }) => [
    { path: `gateways.list.${id}.enabled`, value: true },
    { path: `gateways.list.${id}.networks`, value: [] },
    { path: `gateways.list.${id}.senders`, value: [] },
  ]);
  const saved = await house.call('settings.set', {
    changes: [...changes, { path: 'dialUp.requireConnection', value: false }],
  });
  if (saved.kind !== 'answer' || !saved.value.saved) throw new Error(`not let go: ${JSON.stringify(saved)}`);
  await house.call('secrets.set', {
    gatewayId: SIGN_IN_GATEWAY,
    secret: PASSWORD,
    acceptObfuscated: true,
  });
  await house.call('control.resume', {});
  settled();
  // What waits after three unknown outcomes waits for the user too.
  for (let round = 0; round < 60; round += 1) {
    const counts = await house.call('queue.folders', {});
    if (counts.kind === 'answer' && counts.value.outbox === 0) break;
    if (round % 10 === 0) {
      const waiting = [...ledger.people.values()].flatMap((p) => p.copies);
      const done = ledger.acting('send now', waiting);
      await house.call('networks.retestDirect', {});
      await house.call('queue.retry', { selection: { folder: 'outbox', search: '', except: [] } });
      done();
    }
    await house.pass(house.drainStepMs);
  }
}
