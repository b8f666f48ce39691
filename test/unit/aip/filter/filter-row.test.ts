import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Filter, parseFilter } from "../../../../src/aip/filter/filter";
import { type FilterRow, IndexFilterRow, type StoredIndexRow } from "../../../../src/aip/filter/filter-row";
import { Work } from "../../../../src/aip/filter/work";
import { arbitraryFilter, arbitraryRow } from "./arbitrary";
import { row, stored } from "./rows";

function parsed(text: string): Filter {
  const result = parseFilter(text);
  if (!result.ok) throw new Error(`${text}: ${result.error.message}`);
  return result.filter;
}

function indexRow(storedRow: StoredIndexRow): FilterRow {
  return new IndexFilterRow(storedRow, new Work(Infinity));
}

describe("a stored row", () => {
  test("matches the same filters as the row that it was made from", () => {
    const property = fc.property(arbitraryRow, arbitraryFilter, fc.boolean(), (value, text, isStateWritten) => {
      const filter = parsed(text);
      const isOlder = value.done && !isStateWritten;
      const storedRow = stored(isOlder ? { ...value, state: undefined } : value);
      const ofStored = filter.matches(indexRow(storedRow), new Work(Infinity));
      expect(ofStored).toBe(filter.matches(value, new Work(Infinity)));
    });

    fc.assert(property, { numRuns: 2_000 });
    expect.hasAssertions();
  });

  test.each([
    [undefined, "SUCCEEDED"],
    [1, "CANCELLED"],
    [5, "FAILED"],
  ])("has the state of its error code if it was written before states were: %s", (errorCode, state) => {
    expect(indexRow(stored(row({ done: true, errorCode, errorMessage: "no" }))).state).toBe(state);
  });

  test("has no state if it is not done and none was written", () => {
    expect(indexRow(stored(row())).state).toBeUndefined();
  });

  test.each(["done = true", "createTime > 2030-01-01T00:00:00Z"])("is not parsed for %s", (text) => {
    const unparsed = { ...stored(row()), operation: "no JSON", facts: "no JSON" };

    expect(parsed(text).matches(indexRow(unparsed), new Work(Infinity))).toBe(false);
  });

  test.each(["target = x", "state = RUNNING", "startTime > 2030-01-01T00:00:00Z", "error:*"])(
    "does not have its operation parsed for %s",
    (text) => {
      const unparsed = { ...stored(row({ state: "QUEUED" })), operation: "no JSON" };

      expect(parsed(text).matches(indexRow(unparsed), new Work(Infinity))).toBe(false);
    },
  );
});

describe("a filter's hints for the index", () => {
  test("hold for every row that the filter matches", () => {
    const property = fc.property(arbitraryRow, arbitraryFilter, (value, text) => {
      const filter = parsed(text);
      const { done, createTimeRange: { min = -Infinity, max = Infinity } = {} } = filter.hints;
      const isWithinHints =
        (done === undefined || value.done === done) && value.createTime >= min && value.createTime <= max;
      expect(isWithinHints || !filter.matches(value, new Work(Infinity))).toBe(true);
    });

    fc.assert(property, { numRuns: 2_000 });
    expect.hasAssertions();
  });
});
