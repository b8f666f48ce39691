import { describe, expect, test } from "vitest";
import type { Completion } from "../../../src/lifecycle/record";
import { etag } from "../../../src/contract/resource";
import { type UpdateRequest, judgeUpdate } from "../../../src/contract/update";
import { CREATE_TIME } from "../../support/an-operation";
import { aRecord } from "../../support/a-record";
import { aRecordIn, recordStates } from "../../support/a-record-in";
import { aResponse } from "../../support/every-event";
import { afterEvents } from "../../support/happens";

const completion: Completion = { updateMask: "response", digest: "d" };
const completing = (of: Completion) => ({ update: { outcome: { value: { response: aResponse }, completion: of } } });
const external = aRecord({ external: { hasOwnMetadata: false } });
const completed = afterEvents(external, [{ type: "update", ...completing(completion) }, CREATE_TIME + 1]);

const ownMetadata = { type: "type.googleapis.com/acme.v1.Metadata", fields: { stage: "two" } };

// "`If-Match` with the operation's `ETag` guards against two writers (mismatch: ABORTED, 409)."
describe("judgeUpdate", () => {
  // A weak tag is what a proxy that compresses answers makes of a strong one.
  test.each([undefined, "*", etag(external), `W/${etag(external)}`, `"x", ${etag(external)}`])(
    "applies an update with If-Match %j to work done elsewhere",
    (ifMatch) => {
      expect(judgeUpdate(external, { update: {}, ifMatch }, {})).toBe("APPLY");
    },
  );

  test.each(['"0"', "", "1", 'W/"0"', '"x", "y"'])("rejects another writer's If-Match: %j", (ifMatch) => {
    expect(judgeUpdate(external, { update: {}, ifMatch }, {})).toBe("ETAG_MISMATCH");
  });

  test.each(recordStates.filter((state) => !state.startsWith("EXTERNAL")))("rejects an update that is %s", (state) => {
    const expected = aRecordIn(state).outcome === undefined ? "RUN_BY_METHOD" : "ALREADY_DONE";

    expect(judgeUpdate(aRecordIn(state), { update: {} }, {})).toBe(expected);
  });

  // "Repeating the very completion that ended it (same mask, same JSON value, whatever its If-Match) is answered `200`".
  test("treats the same completion that ended the operation as repeated, whatever its If-Match", () => {
    expect(judgeUpdate(completed, { ...completing(completion), ifMatch: '"0"' }, {})).toBe("REPEATED");
  });

  test.each<[string, UpdateRequest]>([
    ["another value", completing({ ...completion, digest: "e" })],
    ["another mask", completing({ ...completion, updateMask: "metadata,response" })],
    ["a report without a completion", { update: {} }],
  ])("rejects %s once the operation is done", (_, request) => {
    expect(judgeUpdate(completed, request, {})).toBe("ALREADY_DONE");
  });

  test("rejects a completion of an operation that ended otherwise", () => {
    const cancelled = afterEvents(
      external,
      [{ type: "cancel" }, CREATE_TIME + 1],
      [{ type: "timePasses", random: 0 }, CREATE_TIME + 31_000],
    );

    expect(judgeUpdate(cancelled, completing(completion), {})).toBe("ALREADY_DONE");
    expect(judgeUpdate(external, completing(completion), {})).toBe("APPLY");
  });

  test("treats a report as repeated if the same try arrives again and the operation shows it", () => {
    const report = { update: { metadata: ownMetadata }, ifMatch: etag(external) };
    const reported = afterEvents(external, [{ type: "update", update: report.update }, CREATE_TIME + 1]);

    expect(judgeUpdate(reported, report, { isRepeated: true })).toBe("REPEATED");
    expect(judgeUpdate(reported, report, {})).toBe("ETAG_MISMATCH");
    expect(judgeUpdate(external, { ...report, ifMatch: '"0"' }, { isRepeated: true })).toBe("ETAG_MISMATCH");
  });
});
