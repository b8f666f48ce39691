import { expect, test } from "vitest";
import { parseFilter } from "../../../../src/aip/filter/filter";
import { renderFilterError } from "../../../../src/aip/filter/filter-error";

function rendered(text: string): string {
  const parsed = parseFilter(text);
  if (parsed.ok) throw new Error(`${text} is well formed`);
  return renderFilterError(text, parsed.error);
}

test("an error says what was expected, where, and what stood there", () => {
  expect(parseFilter("done = maybe")).toEqual({
    ok: false,
    error: { offset: 7, expected: "true or false", message: 'Expected true or false at offset 7, but found "maybe".' },
  });
});

test("an error is rendered with a caret under its place", () => {
  expect(rendered("done =\tmaybe")).toBe(
    'done = maybe\n       ^ Expected true or false at offset 7, but found "maybe".',
  );
});

test("offsets count characters, not UTF-16 units", () => {
  expect(rendered('"😀😀" AND done = 1').split("\n")[1]).toBe(
    `${" ".repeat(16)}^ Expected true or false at offset 16, but found "1".`,
  );
});

test("a long filter is rendered around its error, and a long value is cut", () => {
  const [excerpt = "", caret = ""] = rendered(`${"a ".repeat(60)}done = ${"x".repeat(100)}`).split("\n");

  expect(excerpt.length).toBeLessThanOrEqual(72);
  expect(excerpt.charAt(caret.indexOf("^"))).toBe("x");
  expect(caret).toContain(`"${"x".repeat(40)}"…`);
});
