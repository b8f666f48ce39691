import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MAX_METADATA_CHARACTERS, MAX_STATUS_MESSAGE_CHARACTERS, PROGRESS_INTERVAL_MS } from "../../../src/limits";
import type { ProgressMessage } from "../../../src/contract/run-channel";
import { ProgressReporter } from "../../../src/queue/progress-reporter";
import { CREATE_TIME } from "../../support/an-operation";

beforeEach(() => {
  vi.useFakeTimers({ now: CREATE_TIME });
});

afterEach(() => {
  vi.useRealTimers();
});

function aReporter({ hasDefaultMetadata = true } = {}) {
  const sent: ProgressMessage[] = [];
  const send = (progress: ProgressMessage): void => void sent.push(progress);
  return { reporter: new ProgressReporter({ now: () => Date.now(), send, hasDefaultMetadata }), sent };
}

describe("progress", () => {
  test("is sent at once after a pause", () => {
    const { reporter, sent } = aReporter();
    reporter.report({ rows: 1, statusMessage: "Reading." });

    expect(sent).toEqual([{ metadata: { rows: 1 }, statusMessage: "Reading." }]);
  });

  test("is held back if it is too frequent, except the last report", () => {
    const { reporter, sent } = aReporter();
    for (let rows = 1; rows <= 1_000; rows += 1) reporter.report({ rows });
    expect(sent).toHaveLength(1);
    vi.advanceTimersByTime(PROGRESS_INTERVAL_MS);

    expect(sent.slice(1)).toEqual([{ metadata: { rows: 1_000 } }]);
  });

  test("is sent no more often than its interval allows", () => {
    const { reporter, sent } = aReporter();
    for (let count = 0; count < 100; count += 1) {
      reporter.report({ count });
      vi.advanceTimersByTime(100);
    }

    expect(sent.length).toBeLessThanOrEqual(1 + 10_000 / PROGRESS_INTERVAL_MS);
  });

  test("is merged, field by field, into the earlier reports", () => {
    const { reporter, sent } = aReporter();
    reporter.report({ rows: 1, stage: "one" });
    reporter.report({ rows: 2 });
    reporter.report({ statusMessage: "Counting." });
    vi.advanceTimersByTime(PROGRESS_INTERVAL_MS);

    expect(sent.at(-1)).toEqual({ metadata: { rows: 2, stage: "one" }, statusMessage: "Counting." });
  });

  test("is part of the final message if it was not sent yet, and nothing is sent after it", () => {
    const { reporter, sent } = aReporter();
    reporter.report({ rows: 1 });
    reporter.report({ rows: 2 });
    const last = reporter.take();
    vi.advanceTimersByTime(10 * PROGRESS_INTERVAL_MS);

    expect(last).toEqual({ metadata: { rows: 2 } });
    expect(sent).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("is not delayed by a clock that was set back", () => {
    const { reporter, sent } = aReporter();
    reporter.report({ rows: 1 });
    vi.setSystemTime(CREATE_TIME - 3_600_000);
    reporter.report({ rows: 2 });
    vi.advanceTimersByTime(PROGRESS_INTERVAL_MS);

    expect(sent).toHaveLength(2);
  });

  test.each(["createTime", "startTime", "endTime", "target", "verb", "requestedCancellation", "apiVersion"])(
    "rejects %s of the default metadata, which the service sets",
    (field) => {
      const { reporter, sent } = aReporter();

      expect(() => reporter.report({ [field]: "mine" })).toThrow(`the metadata field ${field} is set by the service`);
      expect(sent).toEqual([]);
    },
  );

  test("may set a field of that name in metadata of a declared type", () => {
    const { reporter, sent } = aReporter({ hasDefaultMetadata: false });
    reporter.report({ endTime: "2026-01-31T13:00:00Z" });

    expect(sent).toEqual([{ metadata: { endTime: "2026-01-31T13:00:00Z" } }]);
  });

  test("is rejected if it is too large, and the next report is not", () => {
    const { reporter } = aReporter();

    expect(() => reporter.report({ pad: "x".repeat(MAX_METADATA_CHARACTERS) })).toThrow(
      "at most 262144 characters of JSON",
    );
    expect(() => reporter.report({ rows: 1 })).not.toThrow();
  });

  test("is bounded in sum, over all fields", () => {
    const { reporter } = aReporter();
    reporter.report({ one: "x".repeat(MAX_METADATA_CHARACTERS / 2) });

    expect(() => reporter.report({ two: "x".repeat(MAX_METADATA_CHARACTERS / 2) })).toThrow(
      "at most 262144 characters of JSON",
    );
    expect(() => reporter.report({ one: "y".repeat(MAX_METADATA_CHARACTERS / 2) })).not.toThrow();
  });

  test("has its status message cut to what is stored", () => {
    const { reporter, sent } = aReporter();
    reporter.report({ statusMessage: "x".repeat(1_000_000) });

    expect(sent[0]?.statusMessage).toHaveLength(MAX_STATUS_MESSAGE_CHARACTERS);
  });

  test("has the values of the time of the report", () => {
    const { reporter, sent } = aReporter();
    const stages = ["one"];
    reporter.report({ stages });
    stages.push("two");
    reporter.report({ rows: 1 });
    vi.advanceTimersByTime(PROGRESS_INTERVAL_MS);

    expect(sent.at(-1)).toEqual({ metadata: { stages: ["one"], rows: 1 } });
  });

  test.each<[string, unknown, string]>([
    ["a text", "half way", 'not "half way"'],
    ["nothing", undefined, "not undefined"],
    ["null", null, "not null"],
    ["a list", [50], "not an array"],
    ["a percentage as text", { progressPercent: "50%" }, 'not "50%"'],
    ["a percentage over 100", { progressPercent: 150 }, "not 150"],
    ["a negative percentage", { progressPercent: -1 }, "not -1"],
    ["a percentage that is no number", { progressPercent: Number.NaN }, "not NaN"],
    ["a status message that is no text", { statusMessage: 5 }, "statusMessage is a string, not 5"],
    ["a bigint", { rows: 5n }, "op.progress: rows: it is a bigint"],
    ["a function", { rows: { count: () => 1 } }, "op.progress: rows: count is a function"],
  ])("is rejected if it is %s", (_, report, message) => {
    const { reporter, sent } = aReporter();

    expect(() => reporter.report(report as { rows: number })).toThrow(message);
    expect(sent).toEqual([]);
  });

  test("accepts 0, 100, fractions, an undefined field, and a rate that is not known yet", () => {
    const { reporter } = aReporter();
    for (const progressPercent of [0, 33.3, 100]) reporter.report({ progressPercent });
    reporter.report({ eta: undefined } as never);
    reporter.report({ rowsPerSecond: Number.POSITIVE_INFINITY });

    expect(reporter.take()).toEqual({ metadata: { progressPercent: 100, rowsPerSecond: null } });
  });

  test("may have a progressPercent of another kind in a declared type", () => {
    const { reporter, sent } = aReporter({ hasDefaultMetadata: false });
    reporter.report({ progressPercent: "50%" });

    expect(sent).toEqual([{ metadata: { progressPercent: "50%" } }]);
  });
});
