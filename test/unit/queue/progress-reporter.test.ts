import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MAX_METADATA_CHARACTERS, MAX_STATUS_MESSAGE_CHARACTERS, PROGRESS_INTERVAL_MS } from "../../../src/limits";
import type { ProgressMessage } from "../../../src/operation/run-channel";
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
  test("after a pause is sent at once", () => {
    const { reporter, sent } = aReporter();
    reporter.report({ rows: 1, statusMessage: "Reading." });

    expect(sent).toEqual([{ metadata: { rows: 1 }, statusMessage: "Reading." }]);
  });

  test("that comes thick and fast is held back, the last of it never", () => {
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

  test("is merged, field by field, into what was reported before", () => {
    const { reporter, sent } = aReporter();
    reporter.report({ rows: 1, stage: "one" });
    reporter.report({ rows: 2 });
    reporter.report({ statusMessage: "Counting." });
    vi.advanceTimersByTime(PROGRESS_INTERVAL_MS);

    expect(sent.at(-1)).toEqual({ metadata: { rows: 2, stage: "one" }, statusMessage: "Counting." });
  });

  test("that was not sent yet is taken by the last word, and nothing is sent on its own after it", () => {
    const { reporter, sent } = aReporter();
    reporter.report({ rows: 1 });
    reporter.report({ rows: 2 });
    const last = reporter.take();
    vi.advanceTimersByTime(10 * PROGRESS_INTERVAL_MS);

    expect(last).toEqual({ metadata: { rows: 2 } });
    expect(sent).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("is not held up by a clock that was set back", () => {
    const { reporter, sent } = aReporter();
    reporter.report({ rows: 1 });
    vi.setSystemTime(CREATE_TIME - 3_600_000);
    reporter.report({ rows: 2 });
    vi.advanceTimersByTime(PROGRESS_INTERVAL_MS);

    expect(sent).toHaveLength(2);
  });

  test.each(["createTime", "startTime", "endTime", "target", "verb", "requestedCancellation", "apiVersion"])(
    "may not set %s of the default metadata, which is the service's own",
    (field) => {
      const { reporter, sent } = aReporter();

      expect(() => reporter.report({ [field]: "mine" })).toThrow(TypeError);
      expect(() => reporter.report({ [field]: "mine" })).toThrow(field);
      expect(sent).toEqual([]);
    },
  );

  test("may set a field of that name in metadata of a declared type", () => {
    const { reporter, sent } = aReporter({ hasDefaultMetadata: false });
    reporter.report({ endTime: "2026-01-31T13:00:00Z" });

    expect(sent).toEqual([{ metadata: { endTime: "2026-01-31T13:00:00Z" } }]);
  });

  test("that is too large is refused, and what follows it is not", () => {
    const { reporter } = aReporter();

    expect(() => reporter.report({ pad: "x".repeat(MAX_METADATA_CHARACTERS) })).toThrow(RangeError);
    expect(() => reporter.report({ rows: 1 })).not.toThrow();
  });

  test("is bounded in sum, over all fields", () => {
    const { reporter } = aReporter();
    reporter.report({ one: "x".repeat(MAX_METADATA_CHARACTERS / 2) });

    expect(() => reporter.report({ two: "x".repeat(MAX_METADATA_CHARACTERS / 2) })).toThrow(RangeError);
    expect(() => reporter.report({ one: "y".repeat(MAX_METADATA_CHARACTERS / 2) })).not.toThrow();
  });

  test("has its status message cut to what is stored", () => {
    const { reporter, sent } = aReporter();
    reporter.report({ statusMessage: "x".repeat(1_000_000) });

    expect(sent[0]?.statusMessage).toHaveLength(MAX_STATUS_MESSAGE_CHARACTERS);
  });
});
