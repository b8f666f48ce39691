// Hostile input on every route (test/chaos): what is answered, how soon, and that a refused request stores nothing.
import { expect, test } from "vitest";
import { runFuzz } from "../chaos/fuzz-run";
import { Issuer } from "../chaos/guarded";
import { seeds } from "../support/random";

const REQUESTS = 2_000;
/** With authentication on, the most are refused for their caller: fewer of them try each kind of caller on each method. */
const GUARDED_REQUESTS = 600;

/** Where the machine has much else to do: each answer, and each operation's end, has a limit of its own. */
const TIMEOUT_MS = 300_000;

test.each(seeds(1))(
  "2,000 hostile requests get well-formed answers (VITE_SEED=%i)",
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

test.each(seeds(1))(
  "600 hostile requests of callers of every kind reveal no private data (VITE_SEED=%i)",
  { timeout: TIMEOUT_MS },
  async (seed) => {
    const issuer = await Issuer.start();
    try {
      const { violations, outcomes, comparedPairs } = await runFuzz({ seed, requests: GUARDED_REQUESTS, issuer });

      expect(violations).toEqual([]);
      // Each credential was looked at, and some callers came through.
      expect(Object.keys(outcomes)).toEqual(expect.arrayContaining(["200", "400", "401", "403", "404"]));
      expect(comparedPairs).toBeGreaterThan(200);
    } finally {
      issuer.close();
    }
  },
);
