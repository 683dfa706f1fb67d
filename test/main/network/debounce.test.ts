import { describe, expect, it } from 'vitest';
import type { NetworkView } from '../../../main/network/interpret-facts.ts';
import { debounce, DEBOUNCE_TIMES, INITIAL_DEBOUNCE, type DebounceState } from '../../../main/network/debounce.ts';

const view = (id: string | null, more: Partial<NetworkView> = {}): NetworkView => ({
  online: id !== null,
  id,
  systemName: null,
  kind: id === null ? null : 'ethernet',
  links: [],
  portal: null,
  metered: null,
  unresolved: null,
  gatewayMac: id === null ? null : `mac of ${id}`,
  place: id === null ? null : `place of ${id}`,
  ...more,
});
const route = { family: 4, device: 'eth0', gateway: '192.0.2.1', metric: 0 } as const;

/** Plays what is seen when, looking again whenever the reducer asks; returns what was told: "time kind id". */
function play(seen: readonly (readonly [number, NetworkView])[], until = 60_000): readonly string[] {
  const told: string[] = [];
  let state: DebounceState = INITIAL_DEBOUNCE;
  for (const [index, [at, what]] of seen.entries()) {
    const end = seen[index + 1]?.[0] ?? until;
    let now: number | null = at;
    while (now !== null && now < end) {
      const step = debounce(state, what, now);
      state = step.next;
      if (step.telling.kind !== 'nothing')
        told.push(`${now} ${step.telling.kind} ${step.telling.view.id ?? 'offline'}`);
      if (step.wakeAt !== null) expect(step.wakeAt).toBeGreaterThan(now);
      now = step.wakeAt;
    }
  }
  return told;
}

const [A, B, off] = [view('a'), view('b'), view(null)];

describe('what is told and when', () => {
  it.each<[string, readonly (readonly [number, NetworkView])[], readonly string[]]>([
    ['what is there at start, at once', [[0, A]], ['0 change a']],
    ['no network at start is no change', [[0, off]], ['0 detail offline']],
    [
      'an arrival once it held',
      [
        [0, off],
        [1000, A],
      ],
      ['0 detail offline', '1300 change a'],
    ],
    [
      'a loss at once',
      [
        [0, A],
        [5000, off],
      ],
      ['0 change a', '5000 change offline'],
    ],
    [
      'a switch once the new one held',
      [
        [0, A],
        [5000, B],
      ],
      ['0 change a', '5300 change b'],
    ],
    [
      'a switch with a gap',
      [
        [0, A],
        [5000, off],
        [5200, B],
      ],
      ['0 change a', '5000 change offline', '5500 change b'],
    ],
    [
      'an arrival that did not hold, not at all',
      [
        [0, A],
        [5000, off],
        [5200, B],
        [5400, off],
      ],
      ['0 change a', '5000 change offline'],
    ],
    [
      'a glance of another network, not at all',
      [
        [0, A],
        [5000, B],
        [5100, A],
      ],
      ['0 change a'],
    ],
    [
      'the network that was just lost, later',
      [
        [0, A],
        [5000, off],
        [5100, A],
      ],
      ['0 change a', '5000 change offline', '5900 change a'],
    ],
    [
      'an address more as a detail',
      [
        [0, A],
        [5000, view('a', { kind: 'wifi' })],
      ],
      ['0 change a', '5500 detail a'],
    ],
    [
      'details that follow each other, once',
      [
        [0, A],
        [5000, view('a', { kind: 'wifi' })],
        [5200, view('a', { metered: true })],
      ],
      ['0 change a', '5500 detail a'],
    ],
  ])('%s', (_what, seen, told) => {
    expect(play(seen)).toEqual(told);
  });
});

describe('the gateway’s hardware address', () => {
  const blind = view('a0', { unresolved: route, gatewayMac: null, place: 'p' });
  const known = view('a', { place: 'p' });
  it('is waited for, and then nothing is said of the time without', () => {
    expect(
      play([
        [0, off],
        [1000, blind],
        [1400, known],
      ]),
    ).toEqual(['0 detail offline', '1400 change a']);
  });
  it('is not waited for long', () => {
    expect(
      play([
        [0, off],
        [1000, blind],
      ]),
    ).toEqual(['0 detail offline', `${1000 + DEBOUNCE_TIMES.resolve} change a0`]);
  });
  it('refines the identity when it comes late, which is no change of network', () => {
    expect(
      play([
        [0, off],
        [1000, blind],
        [9000, known],
      ]),
    ).toEqual(['0 detail offline', `${1000 + DEBOUNCE_TIMES.resolve} change a0`, '9500 detail a']);
  });
  it('of another gateway under the same number is another network', () => {
    expect(
      play([
        [0, known],
        [9000, view('b', { place: 'p' })],
      ]),
    ).toEqual(['0 change a', '9300 change b']);
  });
});

describe('flapping', () => {
  it.each([
    ['20 changes in 10 s', 500],
    ['100 changes in 10 s', 100],
    ['20 changes in 15 s', 750],
  ])('%s: one loss, one arrival', (_what, period) => {
    const seen: (readonly [number, NetworkView])[] = [[0, A]];
    const changes = period === 100 ? 100 : 20;
    for (let change = 0; change < changes; change += 1) seen.push([5000 + change * period, change % 2 === 0 ? off : A]);
    const told = play(seen);
    expect(told.slice(0, 2)).toEqual(['0 change a', '5000 change offline']);
    expect(told).toHaveLength(3);
    expect(told[2]).toMatch(/ change a$/);
  });

  it('between two networks never tells more than one arrival a second', () => {
    const seen: (readonly [number, NetworkView])[] = [[0, A]];
    for (let change = 0; change < 40; change += 1) seen.push([5000 + change * 250, [off, B, off, A][change % 4]!]);
    const arrivals = play(seen).filter((line) => !line.endsWith('offline'));
    expect(arrivals).toHaveLength(2);
  });

  it('is forgiven after ten quiet seconds', () => {
    const seen: (readonly [number, NetworkView])[] = [[0, A]];
    for (let change = 0; change < 7; change += 1) seen.push([5000 + change * 300, change % 2 === 0 ? off : B]);
    expect(play([...seen, [30_000, A]]).at(-1)).toBe('30300 change a');
  });

  it('never keeps a network from being told for more than two seconds once it holds', () => {
    for (let losses = 0; losses < 12; losses += 1) {
      const state: DebounceState = {
        told: off,
        lostId: 'a',
        losses: Array.from({ length: losses }, () => 0),
        pending: null,
      };
      expect(debounce(state, A, 100).wakeAt).toBeLessThanOrEqual(2100);
      expect(debounce(state, B, 100).wakeAt).toBeLessThanOrEqual(1100);
    }
  });
});
