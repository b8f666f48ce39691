// HyperLogLog (Flajolet et al., 2007): how many different values there were, from one byte for each of 2^p registers.
//
// The estimator is Ertl's ("New cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6), as in
// Redis: without bias over the whole range and without tables. Standard error 1.04/√(2^p).

const HASH_BITS = 32;
const ALPHA_INFINITY = 1 / (2 * Math.LN2);

export class HyperLogLog {
  readonly #precisionBits: number;
  readonly #registers: Uint8Array;

  /** 32-bit hashes suffice: of the at most ten million values in 32 MiB they make one in a thousand seem known. */
  constructor(precisionBits: number) {
    this.#precisionBits = precisionBits;
    this.#registers = new Uint8Array(2 ** precisionBits);
  }

  /** Takes a value by its unsigned 32-bit hash. */
  add(hash: number): void {
    const rankBits = HASH_BITS - this.#precisionBits;
    const register = hash >>> rankBits;
    const rank = Math.min(Math.clz32(hash << this.#precisionBits), rankBits) + 1;
    if (rank > (this.#registers[register] as number)) this.#registers[register] = rank;
  }

  /** The estimate, a whole number. */
  count(): number {
    const registerCount = this.#registers.length;
    const rankBits = HASH_BITS - this.#precisionBits;
    const histogram = this.#histogram(rankBits + 2);
    const at = (rank: number) => histogram[rank] as number;
    let z = registerCount * tau(1 - at(rankBits + 1) / registerCount);
    for (let rank = rankBits; rank >= 1; rank--) z = 0.5 * (z + at(rank));
    z += registerCount * sigma(at(0) / registerCount);
    return Math.round((ALPHA_INFINITY * registerCount * registerCount) / z);
  }

  /** How many registers hold each rank. */
  #histogram(ranks: number): Uint32Array {
    const histogram = new Uint32Array(ranks);
    for (const rank of this.#registers) histogram[rank] = (histogram[rank] as number) + 1;
    return histogram;
  }
}

/** Ertl's σ, the correction for registers still at 0. */
function sigma(emptyShare: number): number {
  if (emptyShare === 1) return Number.POSITIVE_INFINITY;
  let [x, y, z, previous] = [emptyShare, 1, emptyShare, -1];
  while (z !== previous) {
    x *= x;
    previous = z;
    z += x * y;
    y += y;
  }
  return z;
}

/** Ertl's τ, the correction for registers at their end. */
function tau(unsaturatedShare: number): number {
  if (unsaturatedShare === 0 || unsaturatedShare === 1) return 0;
  let [x, y, z, previous] = [unsaturatedShare, 1, 1 - unsaturatedShare, -1];
  while (z !== previous) {
    x = Math.sqrt(x);
    previous = z;
    y *= 0.5;
    z -= (1 - x) ** 2 * y;
  }
  return z / 3;
}
