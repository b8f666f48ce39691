import { Buffer } from "node:buffer";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { piecesFromChunks } from "../../../../src/worker/tables-profile/pieces";
import { chunksOf } from "./table-input";

test("piecesFromChunks yields the same bytes in full pieces and a rest, none of which changes later", async () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 });

  await fc.assert(
    fc.asyncProperty(
      bytes,
      fc.array(fc.nat(40), { maxLength: 5 }),
      fc.integer({ min: 1, max: 10 }),
      async (all, cuts, size) => {
        const pieces: Uint8Array[] = [];
        for await (const piece of piecesFromChunks(chunksOf(all, cuts), size)) pieces.push(piece);

        expect(Buffer.concat(pieces)).toEqual(Buffer.from(all));
        expect(pieces.slice(0, -1).every(({ length }) => length === size)).toBe(true);
        expect(pieces.at(-1)?.length).toBe(all.length % size || size);
      },
    ),
  );
});

test("piecesFromChunks yields nothing for an empty input", async () => {
  expect((await piecesFromChunks(chunksOf(""), 10).next()).done).toBe(true);
});
