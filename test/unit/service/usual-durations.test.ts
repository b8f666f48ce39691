import { describe, expect, test } from "vitest";
import { MAX_OBSERVED_METHODS } from "../../../src/limits";
import { answerFromRecord } from "../../../src/contract/answer";
import { startedRecord } from "../../../src/lifecycle/advance";
import { UsualDurations } from "../../../src/service/usual-durations";
import { aRecordIn } from "../../support/a-record-in";
import { CREATE_TIME, aPolicy, anOperation } from "../../support/an-operation";

describe("UsualDurations › the usual duration of a method", () => {
  test("is unknown until an operation of it was seen", () => {
    const usual = new UsualDurations();
    usual.observe("other", 1_000);

    expect(usual.of("method")).toBeUndefined();
  });

  test("follows the seen operations: after twenty of another length it is theirs", () => {
    const usual = new UsualDurations();
    usual.observe("method", 1_000);
    expect(usual.of("method")).toBeCloseTo(1_000);

    for (let seen = 0; seen < 20; seen += 1) usual.observe("method", 60_000);

    expect(usual.of("method")).toBeGreaterThan(55_000);
    expect(usual.of("method")).toBeLessThanOrEqual(60_000);
  });

  test("changes little after one that took a thousand times as long", () => {
    const usual = new UsualDurations();
    for (let seen = 0; seen < 10; seen += 1) usual.observe("method", 2_000);

    usual.observe("method", 2_000_000);

    expect(usual.of("method")).toBeLessThan(10_000);
  });

  test("is kept for the methods that were seen last", () => {
    const usual = new UsualDurations();
    for (let method = 0; method <= MAX_OBSERVED_METHODS; method += 1) usual.observe(String(method), 5);

    expect(usual.of("0")).toBeUndefined();
    expect(usual.of(String(MAX_OBSERVED_METHODS))).toBeCloseTo(5);
  });
});

describe("the pace in an operation's answer", () => {
  const record = startedRecord(anOperation());
  const endTime = CREATE_TIME + 7_000;
  const outcome = { response: "{}" };

  test("has the method, and its declared duration", () => {
    const declared = startedRecord(anOperation({ policy: aPolicy({ usualDurationMs: 9_000 }) }));

    expect(answerFromRecord(record, "{}").pace).toEqual({ method: "tables:profile" });
    expect(answerFromRecord(declared, "{}").pace).toEqual({ method: "tables:profile", usualMs: 9_000 });
  });

  test("has the duration, once the operation has succeeded", () => {
    const done = { ...aRecordIn("SUCCEEDED"), endTime };

    expect(answerFromRecord(done, "{}").pace).toEqual({ method: "tables:profile", tookMs: 7_000 });
  });

  test.each(["FAILED", "CANCELLED"] as const)("has no duration if the operation is %s", (state) => {
    expect(answerFromRecord({ ...aRecordIn(state), endTime }, "{}").pace).toEqual({ method: "tables:profile" });
  });

  test("has the method alone if the operation was done at once", () => {
    expect(answerFromRecord(startedRecord(anOperation({ outcome })), "{}").pace).toEqual({ method: "tables:profile" });
  });

  test("is empty if the operation is scripted", () => {
    const scripted = startedRecord(anOperation({ emulation: { progress: [], polls: [], polled: 0 } }));

    expect(answerFromRecord(scripted, "{}")).not.toHaveProperty("pace");
  });

  test("is empty if the work is done elsewhere", () => {
    const external = startedRecord(anOperation({ external: { hasOwnMetadata: false } }));

    expect(answerFromRecord(external, "{}")).not.toHaveProperty("pace");
  });
});
