/** Changes of settings: in the window, by an imported file, and by hand, well and badly. */
import { MODES, PRIORITIES } from '../../shared/settings.ts';
import type { Conditions, GatewayTerms } from './conditions.ts';
import { GATEWAYS, NETWORKS, PASSWORD, SIGN_IN_GATEWAY } from './internet.ts';
import type { Soak } from './soak-state.ts';

type Change = { readonly path: string; readonly value: unknown };

/**
 * Has settings changed, by window or import, until it is answered: a user sees that the program was gone and does it again.
 */
export async function setSettings(
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
    await startAgain(soak);
  }
  throw new Error('settings could not be set');
}

/** The same changes by way of an exported file. */
export async function imported({ house }: Soak, changes: readonly Change[]) {
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

export async function changeMode(soak: Soak): Promise<void> {
  const mode = soak.chance.pick(MODES);
  await setSettings(soak, [{ path: 'gateways.mode', value: mode }], { mode }, soak.chance.happens(0.2));
}

export async function changeGateways(soak: Soak): Promise<void> {
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
        secret: chance.pick([PASSWORD, PASSWORD, 'wrong-password']),
        acceptObfuscated: true,
      });
      return;
    default: {
      const onErrors = { lan: chance.happens(0.5), dns: chance.happens(0.5), smtp: chance.happens(0.5) };
      return setSettings(soak, [{ path: 'gateways.onErrors', value: onErrors }], {});
    }
  }
}

export async function changeOther(soak: Soak): Promise<void> {
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

const SPOILERS: readonly (readonly [string, (text: string) => string])[] = [
  ['mode', (text) => text.replace(/"mode": *"\w+"/, '"mode": "allways"')],
  ['requireConnection', (text) => text.replace(/"requireConnection": *\w+/, '"requireConnection": "perhaps"')],
  ['cut in half', (text) => text.slice(0, Math.floor(text.length / 2))],
];

/** Somebody edits settings.json by hand and gets it wrong. What restricts where mail may go must then hold it. */
export async function spoilSettings(soak: Soak): Promise<void> {
  const { house, ledger, chance, state } = soak;
  const good = house.settingsText();
  const [how, spoil] = chance.pick(SPOILERS);
  const spoiled = spoil(good);
  if (spoiled === good) return;
  ledger.note(`settings.json is spoiled: ${how}`);
  state.goodSettings = good;
  if (isJson(spoiled)) {
    const settled = ledger.changing({ readable: false });
    await house.writeSettings(spoiled);
    settled();
    return;
  }
  // A program that runs may go on with what it knew; one that starts knows nothing.
  await house.writeSettings(spoiled);
  if (!chance.happens(0.5)) return;
  ledger.disturb();
  await house.quit();
  ledger.disturb();
  await startAgain(soak);
}

/** By hand, or by importing a copy: the user decides then. */
export async function mendSettings(soak: Soak): Promise<void> {
  const { house, ledger, chance, state } = soak;
  const good = state.goodSettings;
  if (good === null) return;
  const settled = ledger.changing({ readable: true });
  if (chance.happens(0.3)) {
    const answer = await house.call('settings.import', { json: good });
    // Not answered: it is still to be mended.
    if (answer.kind !== 'answer') return;
    if (!answer.value.saved) throw new Error(`the import was refused: ${JSON.stringify(answer.value.problems)}`);
  } else await house.writeSettings(good);
  state.goodSettings = null;
  settled();
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Starts the program if it is gone. A settings file that cannot be read at all counts from then on. */
export async function startAgain({ house, ledger, state }: Soak): Promise<void> {
  if (house.running()) return;
  if (state.goodSettings === null || !ledger.conditions.readable) return house.start();
  const settled = ledger.changing({ readable: false });
  await house.start();
  settled();
}
