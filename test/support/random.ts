// Chance that can be repeated: the same seed gives the same numbers (mulberry32).

export interface Random {
  /** From 0 up to, but not including, 1. */
  next(): number;
  /** A whole number below `bound`. */
  below(bound: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
}

export function randomFromSeed(seed: number): Random {
  let state = Math.trunc(seed);
  const next = (): number => {
    state = Math.trunc(state + 0x6d2b79f5);
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (bound: number): number => Math.floor(next() * bound);
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    pick: (items) => items[below(items.length)]!,
  };
}

/** How many seeds a property is tried with; `VITE_SEED=17 npx vitest run …` repeats one alone, in Node and in workerd. */
export function seeds(count: number): number[] {
  const { env } = import.meta as ImportMeta & { env: { VITE_SEED?: string } };
  if (env.VITE_SEED !== undefined) return [Number(env.VITE_SEED)];
  const first = Math.floor(Math.random() * 2 ** 31);
  return Array.from({ length: count }, (_, index) => first + index);
}
