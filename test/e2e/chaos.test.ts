// A power cut under load (test/chaos): the answered state holds. The soak plays fifty on the same state.
import { expect, test } from "vitest";
import { runChaos } from "../chaos/chaos-run";
import { seeds } from "../support/random";

/** Where the machine has much else to do: each answer, and each operation's end, has a limit of its own. */
const TIMEOUT_MS = 300_000;

test.each(seeds(1))(
  "a kill under load loses, delays, repeats and revives no operation (VITE_SEED=%i)",
  { timeout: TIMEOUT_MS },
  async (seed) => {
    const { operations, requestsAnswered, stepsExecuted, kills, violations } = await runChaos({ seed, rounds: 1 });

    // Nothing lost, stuck, done twice, deleted and back, no step repeated: each would be one, in words.
    expect(violations).toEqual([]);
    expect(kills).toBe(1);
    // There was something to lose.
    expect(operations).toBeGreaterThan(5);
    expect(requestsAnswered).toBeGreaterThan(operations);
    expect(stepsExecuted).toBeGreaterThan(0);
  },
);
