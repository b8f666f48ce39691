// The simulated network: how long things take, and what does not arrive.
import type { Random } from "../support/random";
import type { Faults } from "./faults";

export class Network {
  readonly #random: Random;
  readonly #faults: Faults;

  constructor(random: Random, faults: Faults) {
    this.#random = random;
    this.#faults = faults;
  }

  /** Milliseconds that something is under way. */
  latency(): number {
    if (this.#faults.strikes("a call is slow")) return 100 + this.#random.below(this.#random.pick([1_000, 20_000]));
    return 1 + this.#random.below(20);
  }
}
