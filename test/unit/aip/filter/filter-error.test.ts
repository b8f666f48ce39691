import { expect, test } from "vitest";
import { parseFilter } from "../../../../src/aip/filter/filter";

test.each([
  ["names the expected text, its offset and the found text", "done = maybe", 7, '"maybe"'],
  ["counts characters, not UTF-16 units", '"😀😀" AND done = 1', 16, '"1"'],
  ["cuts a long value", `done = ${"x".repeat(100)}`, 7, `"${"x".repeat(40)}"…`],
])("names the position and the rule in a filter %s", (_, filter, offset, found) => {
  const message = `Expected true or false at offset ${offset}, but found ${found}.`;

  expect(parseFilter(filter)).toEqual({ ok: false, error: { offset, expected: "true or false", message } });
});
