/** Chance that can be repeated: everything random in a soak comes from its seed. */

/** A stream of random choices. */
export interface Chance {
  /** 0 <= x < 1. */
  next(): number;
  /** A whole number, both ends belong to it. */
  int(from: number, to: number): number;
  /** True with this probability. */
  happens(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
  /** Some of them, in their order, at least one. The list must not be empty. */
  some<T>(list: readonly T[]): readonly T[];
  /** Hex string of `bytes` octets. */
  hex(bytes: number): string;
}

/** 32 bits of any text (FNV-1a, then mixed so that similar texts end far apart). */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * One number of its own for each seed and text, 0 <= x < 1: for what must come out the same in whatever order it is asked,
 * such as whether a server knows an address.
 */
export function drawn(seed: number, ...about: readonly (string | number)[]): number {
  return hash(`${seed}\n${about.join('\n')}`) / 2 ** 32;
}

/** A stream of its own for each seed and name. */
export function createChance(seed: number, name: string): Chance {
  let state = hash(`${seed}\n${name}`);
  // mulberry32, public domain.
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const chance: Chance = {
    next,
    int: (from, to) => from + Math.floor(next() * (to - from + 1)),
    happens: (probability) => next() < probability,
    pick: (list) => {
      const found = list[Math.floor(next() * list.length)];
      if (found === undefined) throw new Error('nothing to pick from');
      return found;
    },
    some: (list) => {
      const taken = list.filter(() => next() < 0.5);
      return taken.length > 0 ? taken : [chance.pick(list)];
    },
    hex: (bytes) =>
      Array.from({ length: bytes }, () =>
        Math.floor(next() * 256)
          .toString(16)
          .padStart(2, '0'),
      ).join(''),
  };
  return chance;
}
