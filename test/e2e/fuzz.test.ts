// Hostile input on every route (test/chaos): what is answered, how soon, and that a refused request stores nothing.
import { expect, test } from "vitest";
import { runFuzz } from "../chaos/fuzz-run";
import { seeds } from "../support/random";

const REQUESTS = 5_000;

/** Where the machine has much else to do: each answer, and each operation's end, has a limit of its own. */
const TIMEOUT_MS = 300_000;

test.each(seeds(1))(
  "5,000 hostile requests are answered as they should be (VITE_SEED=%i)",
  { timeout: TIMEOUT_MS },
  async (seed) => {
    const { violations, outcomes, storedObjects, routes } = await runFuzz({ seed, requests: REQUESTS });

    expect(violations).toEqual([]);
    // They came through to what there is, and were refused in every way.
    expect(Object.keys(outcomes)).toEqual(expect.arrayContaining(["200", "400", "404", "405", "413", "brokenOff"]));
    expect(storedObjects).toBeGreaterThan(0);
    expect(routes).toBeGreaterThan(50);
  },
);
