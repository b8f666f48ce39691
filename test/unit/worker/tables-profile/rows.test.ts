import { Buffer } from "node:buffer";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { readRows } from "../../../../src/worker/tables-profile/rows";
import { chunksOf, csvFromRows } from "./table-input";

async function rowsOf(pieces: AsyncIterable<Uint8Array>): Promise<string[][]> {
  const rows: string[][] = [];
  for await (const batch of readRows(pieces)) rows.push(...batch.rows);
  return rows;
}

test("readRows yields the rows of a table, wherever it is cut into pieces", async () => {
  const field = fc.oneof(
    fc.constantFrom("", '"', "\r\n", "\n", ",", "東", "😀"),
    fc.string({ unit: "grapheme", maxLength: 5 }),
  );
  const rows = fc.array(
    fc.array(
      field.map((text) => text.replaceAll("\u0000", "")),
      { minLength: 1, maxLength: 4 },
    ),
    { minLength: 1, maxLength: 6 },
  );

  await fc.assert(
    fc.asyncProperty(rows, fc.array(fc.nat(120), { maxLength: 8 }), fc.boolean(), async (table, offsets, mark) => {
      const bytes = Buffer.from((mark ? "\ufeff" : "") + csvFromRows(table));
      const cuts = offsets.map((offset) => Math.min(offset + 3, bytes.length));
      expect(await rowsOf(chunksOf(bytes, cuts))).toEqual(table);
    }),
    { numRuns: 100 },
  );
});

test("readRows yields with each batch the number of bytes read", async () => {
  const done: number[] = [];

  for await (const { bytesDone } of readRows(chunksOf("\ufeffa\n1\n2\n", [4, 6]))) done.push(bytesDone);

  expect(done).toEqual([4, 6, 9, 9]);
});
