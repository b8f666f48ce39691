import { describe, expect, test } from "vitest";
import type { Completion } from "../../../src/lifecycle/record";
import { etag } from "../../../src/contract/resource";
import { isRepeatedCompletion, updateRefusal } from "../../../src/contract/update";
import { CREATE_TIME } from "../../support/an-operation";
import { aRecord } from "../../support/a-record";
import { aRecordIn, recordStates } from "../../support/a-record-in";
import { aResponse } from "../../support/every-event";
import { afterEvents } from "../../support/happens";

const completion: Completion = { updateMask: "response", digest: "d" };
const completing = (of: Completion) => ({ update: { outcome: { value: { response: aResponse }, completion: of } } });
const external = aRecord({ external: { hasOwnMetadata: false } });
const completed = afterEvents(external, [{ type: "update", ...completing(completion) }, CREATE_TIME + 1]);

// "`If-Match` with the operation's `ETag` guards against two writers (mismatch: ABORTED, 409)."
describe("updateRefusal", () => {
  // A weak tag is what a proxy that compresses answers makes of a strong one.
  test.each([undefined, "*", etag(external), `W/${etag(external)}`, `"x", ${etag(external)}`])(
    "lets an update with If-Match %j happen to work done elsewhere",
    (ifMatch) => {
      expect(updateRefusal(external, { update: {}, ifMatch })).toBeUndefined();
    },
  );

  test.each(['"0"', "", "1", 'W/"0"', '"x", "y"'])("refuses another writer's If-Match: %j", (ifMatch) => {
    expect(updateRefusal(external, { update: {}, ifMatch })).toBe("ETAG_MISMATCH");
  });

  test.each(recordStates.filter((state) => !state.startsWith("EXTERNAL")))("refuses what is %s", (state) => {
    const expected = aRecordIn(state).outcome === undefined ? "RUN_BY_METHOD" : "ALREADY_DONE";

    expect(updateRefusal(aRecordIn(state), { update: {} })).toBe(expected);
  });
});

// "Repeating the very completion that ended it (same mask, same JSON value, whatever its If-Match) is answered `200`".
describe("isRepeatedCompletion", () => {
  test("is true of the very completion that ended the operation, whatever its If-Match", () => {
    expect(isRepeatedCompletion(completed, { ...completing(completion), ifMatch: '"0"' })).toBe(true);
  });

  test.each<[string, Parameters<typeof isRepeatedCompletion>[1]]>([
    ["another value", completing({ ...completion, digest: "e" })],
    ["another mask", completing({ ...completion, updateMask: "metadata,response" })],
    ["a report without a completion", { update: {} }],
  ])("is false of %s", (_, request) => {
    expect(isRepeatedCompletion(completed, request)).toBe(false);
  });

  test("is false of what ended otherwise", () => {
    const cancelled = afterEvents(
      external,
      [{ type: "cancel" }, CREATE_TIME + 1],
      [{ type: "timePasses", random: 0 }, CREATE_TIME + 31_000],
    );

    expect(isRepeatedCompletion(cancelled, completing(completion))).toBe(false);
    expect(isRepeatedCompletion(external, completing(completion))).toBe(false);
  });
});
