// Four thousand histories of the whole service under faults: the same ones in each run, so that a failure is of the change that is tested.
// `npm run simulate` and the soak take new ones. `npm run simulate -- --seed N` replays one.
import { expect, test } from "vitest";
import { lifecycle } from "../../src/lifecycle/state";
import { faultKinds } from "./faults";
import { failureText, simulate } from "./simulate";

const HISTORIES = 4_000;
/** Of each state, transition and fault: the rarest come seven times in as many histories. */
const ENOUGH = 2;

/** Histories script no polls, and these two races are rare in them. A unit test of the table reaches every cell. */
function isSeldom(key: string): boolean {
  return key.endsWith(" failByScript") || /^transition: CANCELLING (?:yield|release)$/.test(key);
}

const first = Number(process.env["VITE_SEED"] ?? 1);

test(`no history from seed ${first} on breaks an invariant, and together they reach every state`, async () => {
  const { histories, failed, coverage } = await simulate({ first, histories: HISTORIES });

  expect(failed.map(failureText).join("\n")).toBe("");
  expect(histories).toBe(HISTORIES);
  const rows = Object.entries(lifecycle);
  const wanted = [
    ...rows.filter(([state]) => state !== "NEW").map(([state]) => `state: ${state}`),
    ...rows.flatMap(([state, row]) => Object.keys(row).map((transition) => `transition: ${state} ${transition}`)),
    ...faultKinds.map((fault) => `fault: ${fault}`),
  ];
  expect(wanted.filter((key) => !isSeldom(key) && (coverage[key] ?? 0) < ENOUGH)).toEqual([]);
});
