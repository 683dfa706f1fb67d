/** What happens around the program, and to it: servers, resolvers, networks, clocks, deaths. */
import { DNS_MOODS, NETWORKS } from './internet.ts';
import { MOODS, type Mood } from './mail-server.ts';
import { handIn } from './mail-actions.ts';
import { startAgain } from './settings-actions.ts';
import type { Soak, SoakState } from './soak-state.ts';
import { remove, sendAgain, someMessages, testMessage } from './user-actions.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** A server's mood; willing ones are told from when. */
export function setMood({ house, ledger }: Pick<Soak, 'house' | 'ledger'>, id: string, mood: Mood): void {
  ledger.note(`${id} is ${mood}`);
  house.become(id, mood);
  if (mood !== 'willing') ledger.willingSince.delete(id);
  else if (!ledger.willingSince.has(id)) ledger.willingSince.set(id, house.now());
}

export function changeMood(soak: Soak): Promise<void> {
  const { house, chance } = soak;
  const host = chance.pick(house.internet.hosts);
  setMood(soak, host.id, chance.happens(0.4) ? 'willing' : chance.pick(MOODS));
  return Promise.resolve();
}

export function changeResolver({ house, ledger, chance }: Soak): Promise<void> {
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

export async function changeNetwork(soak: Soak): Promise<void> {
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

export function jump({ house, ledger, chance }: Soak): void {
  const ms = chance.pick([-3 * DAY_MS, -HOUR_MS, -60_000, 60_000, HOUR_MS, DAY_MS]);
  ledger.note(`clock set by ${ms / 1000} s`);
  house.jumpClock(ms);
  ledger.noteWall();
}

export async function quit(soak: Soak): Promise<void> {
  const { house, ledger } = soak;
  ledger.disturb();
  await house.quit();
  ledger.disturb();
  await startAgain(soak);
}

/** At some moment while it works; in every second case while it is asked for something. */
export async function kill(soak: Soak): Promise<void> {
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
  await startAgain(soak);
}
