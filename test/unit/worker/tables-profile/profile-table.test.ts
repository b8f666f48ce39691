import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { profileTable, type TableProgress } from "../../../../src/worker/tables-profile/profile-table";
import type { ColumnProfile, TableProfile } from "../../../../src/worker/tables-profile/table-profile";
import { chunksOf, csvFromRows } from "./table-input";

const fixture = (name: string) => readFileSync(`${import.meta.dirname}/fixtures/${name}`);
const places = fixture("places.csv");

async function columnOf(values: string[]): Promise<ColumnProfile> {
  const { columns } = await profileTable(chunksOf(csvFromRows([["c"], ...values.map((value) => [value])])));
  return columns[0] as ColumnProfile;
}

describe("profileTable", () => {
  test("has for places.csv the result of profile_reference.py", async () => {
    const expected: TableProfile = JSON.parse(fixture("places.profile.json").toString());

    const profile = await profileTable(chunksOf(places));

    // A mean of doubles is exact to a few units in the last place.
    for (const [i, column] of expected.columns.entries()) {
      if (column.mean === undefined) continue;
      expect(profile.columns[i]?.mean).toBeCloseTo(column.mean, 12 - Math.ceil(Math.log10(Math.abs(column.mean))));
      column.mean = profile.columns[i]?.mean as number;
    }
    expect(profile).toEqual(expected);
  });

  test("returns plain JSON", async () => {
    const profile = await profileTable(chunksOf(places));

    expect(JSON.parse(JSON.stringify(profile))).toStrictEqual(profile);
  });

  test("returns the same profile however the input is cut into chunks", async () => {
    const whole = await profileTable(chunksOf(places));

    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(places.length), { maxLength: 40 }), async (cuts) => {
        expect(await profileTable(chunksOf(places, cuts))).toEqual(whole);
      }),
      { numRuns: 6 },
    );
  });

  test("returns counts that add up in any table", async () => {
    const field = fc.oneof(
      fc.constantFrom("", "a", "1", "2.5", 'q"', "x,y", "l\n"),
      fc.string({ unit: "grapheme", maxLength: 4 }),
    );
    const row = fc.array(
      field.map((text) => text.replaceAll("\u0000", "")),
      { minLength: 1, maxLength: 4 },
    );

    await fc.assert(
      fc.asyncProperty(row, fc.array(row, { maxLength: 12 }), async (header, rows) => {
        const profile = await profileTable(chunksOf(csvFromRows([header, ...rows])));

        expect(profile.rowCount).toBe(rows.length);
        expect(profile.raggedRowCount).toBe(rows.filter(({ length }) => length !== header.length).length);
        expect(profile.columns.map(({ name }) => name)).toEqual(header);
        for (const [i, column] of profile.columns.entries()) {
          const values = rows.map((fields) => fields[i] ?? "").filter((text) => text !== "");
          expect(column.emptyCount).toBe(rows.length - values.length);
          expect(column.distinctCount).toBe(new Set(values).size);
          for (const { value, count } of column.mostFrequent)
            expect(values.filter((v) => v === value).length).toBe(count);
          expect(column.mostFrequent.length).toBe(Math.min(5, column.distinctCount));
        }
      }),
      { numRuns: 30 },
    );
  });

  test.each([
    ["LF and no line end at the end", "a,b\n1,2"],
    ["LF", "a,b\n1,2\n"],
    ["CRLF", "a,b\r\n1,2\r\n"],
    ["a byte order mark", "\ufeffa,b\r\n1,2\r\n"],
    ["a byte order mark before a quote", '\ufeff"a","b"\n1,2\n'],
    ["blank lines anywhere", "\ufeff\r\n\na,b\n\n\r\n1,2\n\n\n"],
    ["both line ends", "a,b\r\n1,2\n"],
  ])("reads a table with %s", async (_, table) => {
    const { rowCount, raggedRowCount, columns } = await profileTable(chunksOf(table));

    expect({ rowCount, raggedRowCount }).toEqual({ rowCount: 1, raggedRowCount: 0 });
    expect(columns.map(({ name, min }) => [name, min])).toEqual([
      ["a", 1],
      ["b", 2],
    ]);
  });

  test.each(['a\n""', 'a\n""\n', 'a\r\n""\r\n', '\ufeffa\n\n""'])(
    "reads a quoted empty field as a row: %j",
    async (table) => {
      expect((await profileTable(chunksOf(table))).rowCount).toBe(1);
    },
  );

  test("profiles a table of a header alone", async () => {
    expect(await profileTable(chunksOf("a,\n"))).toEqual({
      rowCount: 0,
      columnCount: 2,
      raggedRowCount: 0,
      columns: ["a", ""].map((name) => ({ name, type: "string", emptyCount: 0, distinctCount: 0, mostFrequent: [] })),
    });
  });

  test("counts the missing cells of a short row as empty and ignores the additional cells of a long row", async () => {
    const { raggedRowCount, columns } = await profileTable(chunksOf("a,b\n1\n2,x,y\n3,z\n"));

    expect(raggedRowCount).toBe(2);
    expect(columns.map(({ emptyCount, distinctCount }) => [emptyCount, distinctCount])).toEqual([
      [0, 3],
      [1, 2],
    ]);
  });

  test("reads many short rows under a wide header quickly", async () => {
    const table = `${"h,".repeat(999)}h\n${"1\n".repeat(5_000)}`;

    expect((await profileTable(chunksOf(table))).raggedRowCount).toBe(5_000);
  });

  test("keeps integers beyond 2^53 exact, as strings", async () => {
    const { type, min, max } = await columnOf(["9007199254740993", "9007199254740992", "5"]);

    expect({ type, min, max }).toEqual({ type: "integer", min: 5, max: "9007199254740993" });
  });

  test("omits a mean whose sum is beyond a double", async () => {
    const column = await columnOf(["1e308", "1e308"]);

    expect(column).toMatchObject({ type: "number", max: 1e308 });
    expect(column).not.toHaveProperty("mean");
  });

  test("loses no small number beside a large one in the mean", async () => {
    expect((await columnOf(["1e16", "3", "-1e16"])).mean).toBe(1);
  });

  test("counts each occurrence in the mean", async () => {
    expect((await columnOf(["1", "1", "1", "5"])).mean).toBe(2);
  });

  test("reads a numeral of more than 64 characters as a string", async () => {
    expect((await columnOf(["1".repeat(64)])).type).toBe("integer");
    expect((await columnOf(["1".repeat(65)])).type).toBe("string");
  });

  test("cuts long values in the result and still counts them apart", async () => {
    const long = "é".repeat(300);

    const column = await columnOf([`${long}a`, `${long}b`, `${long}b`, "é".repeat(256)]);

    const cut = `${"é".repeat(256)}…`;
    expect(column).toMatchObject({ distinctCount: 3, max: cut, min: "é".repeat(256), shortest: 256, longest: 301 });
    expect(column.mostFrequent.map(({ value, count }) => [value, count])).toEqual([
      [cut, 2],
      ["é".repeat(256), 1],
      [cut, 1],
    ]);
  });

  test("marks a column that has more different values than it counts", async () => {
    const keys = Array.from({ length: 50_500 }, (_, i) => `k${i},${i % 10}\n`);

    const [many, few] = (await profileTable(chunksOf(`many,few\n${keys.join("")}`))).columns;

    expect(few).toMatchObject({ distinctCount: 10 });
    expect(few).not.toHaveProperty("distinctCountIsMinimum");
    expect(many).toMatchObject({
      distinctCount: 50_001,
      distinctCountIsMinimum: true,
      mostFrequentIsPartial: true,
      min: "k0",
      max: "k9999",
    });
  });
});

async function* broken(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("a\n1");
  throw new Error("connection lost");
}

describe("progress and cancellation", () => {
  const table = `a\n${`${"0123456789".repeat(11)}\n`.repeat(6_000)}`;

  test("report progress every 256 KiB and at the end", async () => {
    const told: TableProgress[] = [];

    await profileTable(chunksOf(table), { totalBytes: table.length, onProgress: (progress) => told.push(progress) });

    expect(told.map(({ bytesDone }) => bytesDone)).toEqual([262_144, 524_288, table.length]);
    expect(told.map(({ progressPercent }) => progressPercent)).toEqual([39, 78, 100]);
    expect(told.at(-1)?.rowsDone).toBe(6_000);
  });

  test("report no percentage if the length is not known", async () => {
    const told: TableProgress[] = [];

    await profileTable(chunksOf("a\n1\n"), { onProgress: (progress) => told.push(progress) });

    expect(told).toEqual([{ rowsDone: 1, bytesDone: 4 }]);
  });

  test("report at most 100 percent if the input is longer than announced", async () => {
    const told: TableProgress[] = [];

    await profileTable(chunksOf("a\n1\n"), { totalBytes: 2, onProgress: (progress) => told.push(progress) });

    expect(told.at(-1)?.progressPercent).toBe(100);
  });

  test("stop at an abort with the signal's reason and cancel the input", async () => {
    const abort = new AbortController();
    const reason = new Error("cancelled");
    let released = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.from(table);
      } finally {
        released = true;
      }
    }
    setImmediate(() => abort.abort(reason));

    await expect(profileTable(endless(), { signal: abort.signal })).rejects.toBe(reason);

    expect(released).toBe(true);
  });

  test("do not begin if the signal is aborted already", async () => {
    const signal = AbortSignal.abort(new Error("too late"));

    await expect(profileTable(chunksOf(table), { signal })).rejects.toThrow("too late");
  });

  test("throw an error of the input", async () => {
    await expect(profileTable(broken())).rejects.toThrow("connection lost");
  });
});
