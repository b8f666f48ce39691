// The cost of a filter is counted while it is evaluated (src/aip/filter/work.ts).
import { expect, test } from "vitest";
import { parseFilter } from "../../../../src/aip/filter/filter";
import { PARSE_COST, Work } from "../../../../src/aip/filter/work";
import { withMetadata } from "./rows";

test("the matcher parses a text once as a timestamp, however many terms compare it", () => {
  const texts = 80;
  const terms = Array.from(
    { length: 60 },
    (_, index) => `metadata.a:"2026-01-01T00:00:${String(index).padStart(2, "0")}Z"`,
  );
  const parsed = parseFilter(terms.join(" OR "));
  if (!parsed.ok) throw new Error(parsed.error.message);
  const metadata = { a: Array.from({ length: texts }, () => "2025-01-01T00:00:00Z") };
  const work = new Work(terms.length * texts * (PARSE_COST / 4));
  const matches = parsed.filter.matches(withMetadata(metadata), work);

  expect(matches).toBe(false);
  expect(work.isSpent).toBe(false);
});
