import { describe, expect, test } from "vitest";
import {
  cancelOperation,
  deleteOperation,
  getOperation,
  waitOperation,
  watchOperation,
} from "../../../src/service/operations";
import { anAnswer } from "../../support/a-service";
import { rpcErrorOf, violatedFields } from "../../support/an-rpc-error";

const NAME = "operations/1";

describe("waitOperation", () => {
  // "default 30 s, more is capped at 60 s; negative or malformed is INVALID_ARGUMENT".
  test.each([
    [undefined, 30_000],
    ["0s", 0],
    ["0.000000001s", 1],
    ["59.999s", 59_999],
    ["60s", 60_000],
    ["61s", 60_000],
    ["315576000000s", 60_000],
  ])("waits for %j %d ms", async (timeout, ms) => {
    const asked: number[] = [];
    const wait = async (_name: string, timeoutMs: number) => {
      asked.push(timeoutMs);
      return anAnswer();
    };
    await waitOperation({ wait }, { name: NAME, timeout });

    expect(asked).toEqual([ms]);
  });

  test.each(["", "30", "30S", "-1s", "-0.000000001s", "1m", "forever", "315576000001s", "x".repeat(10_000)])(
    "rejects the timeout %j",
    async (timeout) => {
      const error = await rpcErrorOf(() => waitOperation({ wait: async () => anAnswer() }, { name: NAME, timeout }));

      expect(error.code).toBe("INVALID_ARGUMENT");
      expect(violatedFields(error.details)).toEqual(["timeout"]);
      expect(error.message.length).toBeLessThan(200);
    },
  );
});

const nothing = async () => undefined;
const absent = { get: nothing, poll: nothing, wait: nothing, watch: nothing };

// "Deleted meanwhile: NOT_FOUND, at once."
test.each<[string, () => Promise<unknown>]>([
  ["getOperation", () => getOperation({ reads: absent, store: absent }, NAME)],
  ["waitOperation", () => waitOperation({ wait: async () => undefined }, { name: NAME })],
  [
    "getOperation of a later state",
    () => getOperation({ reads: absent, store: absent }, NAME, { known: '"1"', timeoutMs: 1_000 }),
  ],
  ["watchOperation", () => watchOperation(absent, { name: NAME })],
  ["cancelOperation", () => cancelOperation({ cancel: async () => false }, NAME)],
  ["deleteOperation", () => deleteOperation({ delete: async () => false }, NAME)],
])("%s returns NOT_FOUND with the name for an unknown operation", async (_, act) => {
  const error = await rpcErrorOf(act);

  expect(error).toMatchObject({ code: "NOT_FOUND", metadata: { resource: NAME } });
});
