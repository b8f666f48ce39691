import { describe, expect, test } from "vitest";
import { completionsAt } from "../../../src/console/list/completions";

const vocabulary = { methods: ["reports:build"], metadataPaths: ["metadata.rowsDone", "labels.env"] };

/** The completions at `|`, as whole filters. */
function completed(text: string): string[] {
  const caret = text.indexOf("|");
  const filter = text.replace("|", "");
  const { from, to, options } = completionsAt(filter, caret, vocabulary, Date.UTC(2_026, 10, 27));
  return options.map(({ insert }) => filter.slice(0, from) + insert + filter.slice(to));
}

describe("completions of a filter", () => {
  test.each([
    ["the start of a field", "sta|", "state"],
    ["a field of another case", "CREATE|", "createTime"],
    ["a field that rows have", "rows|", "metadata.rowsDone"],
    ["a label that rows have", "labels.e|", "labels.env"],
    ["a state", "state = FAI|", "state = FAILED"],
    ["a state after the colon", "state:FAI|", "state:FAILED"],
    ["a method, quoted", "method = |", 'method = "reports:build"'],
    ["a code by its number", "error.code = 1|", "error.code = 14"],
    ["a field after AND", "done = true AND sta|", "done = true AND state"],
    ["a field in brackets", "(sta|", "(state"],
    ["a comparator", "state |", "state ="],
    ["a connective after a value", "done = true |", "done = true AND"],
    ["a time", "createTime >= |", 'createTime >= "2026-11-26T00:00:00.000Z"'],
    ["the rest of a word under the caret", "st|ate = FAILED", "startTime = FAILED"],
  ])("name %s", (_, text, expected) => {
    expect(completed(text)).toContain(expected);
  });

  test("name nothing inside a text", () => {
    expect(completed('error.message = "the sta|')).toEqual([]);
  });
});
