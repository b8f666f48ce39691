import { Work } from "../../../../src/aip/filter/work";
import { expect, test } from "vitest";
import { parseFilter } from "../../../../src/aip/filter/filter";
import { row } from "./rows";

/** Marsaglia's xorshift32: the same bytes in every run. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

const ALPHABET = [
  ...Array.from(`ab1.-*:=<>!(),"'\\ \n@_T`),
  "AND ",
  " OR ",
  "NOT ",
  "done",
  "name",
  "é",
  "😀",
  "\u0000",
  "\ud800",
  "20s",
  "error.",
  "metadata.",
];

/** The outcomes of 10,000 texts; `misplaced` are errors that say nothing, or point outside the filter. */
function parseAll(makeText: (random: () => number) => string): { wellFormed: number; misplaced: string[] } {
  const random = randomNumbers(160);
  const misplaced: string[] = [];
  let wellFormed = 0;
  for (let index = 0; index < 10_000; index += 1) {
    const text = makeText(random);
    const parsed = parseFilter(text);
    if (parsed.ok) {
      wellFormed += 1;
      parsed.filter.matches(row(), new Work(Infinity));
    } else {
      const { offset, expected, message } = parsed.error;
      const isPlaced = offset >= 0 && offset <= Array.from(text).length;
      if (!isPlaced || expected === "" || message.length > 500) misplaced.push(text);
    }
  }
  return { wellFormed, misplaced };
}

test("parseFilter parses or rejects 10,000 random byte strings without throwing", () => {
  const decoder = new TextDecoder();
  const { misplaced } = parseAll((random) =>
    decoder.decode(Uint8Array.from({ length: random() % 64 }, () => random() % 256)),
  );

  expect(misplaced).toEqual([]);
});

test("parseFilter parses or rejects 10,000 random strings of the grammar's characters without throwing", () => {
  const { wellFormed, misplaced } = parseAll((random) =>
    Array.from({ length: random() % 14 }, () => ALPHABET[random() % ALPHABET.length]).join(""),
  );

  expect(misplaced).toEqual([]);
  expect(wellFormed).toBeGreaterThan(500);
});
