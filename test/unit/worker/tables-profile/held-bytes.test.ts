// How much of a table is in memory unparsed: what was taken of the input, less the rows that have come out.
import { expect, test } from "vitest";
import { piecesFromChunks } from "../../../../src/worker/tables-profile/pieces";
import { readRows } from "../../../../src/worker/tables-profile/rows";
import { PIECE_BYTES } from "../../../../src/worker/tables-profile/table-limits";

const MIB = 1_048_576;

/** The most bytes that were held unparsed at once, over `tableBytes` of rows of `rowBytes`, in chunks of `chunkBytes`. */
async function mostHeldBytes(tableBytes: number, rowBytes: number, chunkBytes: number): Promise<number> {
  const row = `${"x".repeat(rowBytes / 2 - 1)},${"y".repeat(rowBytes / 2 - 1)}\n`;
  const rows = new TextEncoder().encode(row.repeat(Math.ceil(chunkBytes / rowBytes) + 1));
  let taken = 0;
  let parsed = 0;
  let most = 0;
  async function* input(): AsyncGenerator<Uint8Array> {
    while (taken < tableBytes) {
      const start = taken % rowBytes;
      const length = Math.min(chunkBytes, tableBytes - taken);
      taken += length;
      most = Math.max(most, taken - parsed);
      yield rows.subarray(start, start + length);
    }
  }
  for await (const batch of readRows(piecesFromChunks(input(), PIECE_BYTES))) parsed += batch.rows.length * rowBytes;
  expect(parsed).toBe(tableBytes);
  return most;
}

// "30 MiB of CSV profile … with the most bytes held unparsed at once asserted under 1 MiB."
test("profileTable holds less than 1 MiB of 30 MiB unparsed at any time", async () => {
  expect(await mostHeldBytes(30 * MIB, 8_192, 65_536)).toBeLessThan(MIB);
});

test.each([
  [64, 4_096],
  [64, 65_536],
  [65_536, 4_096],
  [131_072, 262_144],
])("profileTable holds less than 1 MiB unparsed of rows of %i bytes in chunks of %i", async (rowBytes, chunkBytes) => {
  expect(await mostHeldBytes(2 * MIB, rowBytes, chunkBytes)).toBeLessThan(MIB);
});
