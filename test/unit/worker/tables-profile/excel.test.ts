// Tables as spreadsheet programs write them: ends of rows, byte order marks, and the line that names the separator.
import { describe, expect, test } from "vitest";
import { profileTable } from "../../../../src/worker/tables-profile/profile-table";
import { chunksOf } from "./table-input";

const shapeOf = async (table: string, cuts: number[] = []) => {
  const { rowCount, raggedRowCount, columns } = await profileTable(chunksOf(table, cuts));
  return { rowCount, raggedRowCount, columns: columns.map(({ name, type }) => `${name}: ${type}`) };
};

const twoRows = { rowCount: 2, raggedRowCount: 0, columns: ["a: integer", "b: integer"] };

describe("tables:profile › ends a row", () => {
  test.each([
    ["with a carriage return", "a,b\r1,2\r3,4\r"],
    ["with a carriage return, quoted", '"a","b"\r"1","2"\r"3","4"\r'],
    ["with a carriage return, without one at the end", "a,b\r1,2\r3,4"],
    ["with CRLF", "a,b\r\n1,2\r\n3,4\r\n"],
    ["with LF", "a,b\n1,2\n3,4\n"],
    ["with a carriage return among LFs", "a,b\n1,2\r3,4\n"],
    ["with CRLF among carriage returns", "a,b\r1,2\r\n3,4\r"],
    ["with CR CR LF, as a doubled conversion leaves it", "a,b\r\r\n1,2\r\r\n3,4\r\r\n"],
  ])("%s, however the bytes are cut", async (_, table) => {
    for (let cut = 0; cut <= table.length; cut += 1) expect(await shapeOf(table, [cut])).toEqual(twoRows);
  });

  test("at no line break within quotes", async () => {
    expect(await shapeOf('a,b\r"1\r2",3\r')).toEqual({
      rowCount: 1,
      raggedRowCount: 0,
      columns: ["a: string", "b: integer"],
    });
  });
});

describe("tables:profile › drops", () => {
  test.each([
    ["a byte order mark", "\ufeffa,b\n1,2\n3,4\n"],
    ["two byte order marks", "\ufeff\ufeffa,b\n1,2\n3,4\n"],
    ["three byte order marks before a quote", '\ufeff\ufeff\ufeff"a",b\n1,2\n3,4\n'],
    ["Excel's line sep=,", "sep=,\r\na,b\r\n1,2\r\n3,4\r\n"],
    ["sep=, behind a byte order mark and a blank line", "\ufeff\nsep=,\na,b\n1,2\n3,4\n"],
  ])("%s", async (_, table) => {
    expect(await shapeOf(table)).toEqual(twoRows);
  });

  test.each([
    ["a column that is named sep=", "sep=,b\n1,2\n3,4\n", ["sep=: integer", "b: integer"]],
    ["sep=, as a row below the header", "a,b\nsep=,\n", ["a: string", "b: string"]],
    ["a quoted sep=, of one field", '"sep=,"\n1\n', ["sep=,: integer"]],
  ])("not %s", async (_, table, columns) => {
    expect((await shapeOf(table)).columns).toEqual(columns);
  });
});

describe("tables:profile › rejects", () => {
  test.each([";", "\t", "|"])("the line sep=%j", async (separator) => {
    await expect(shapeOf(`sep=${separator}\na${separator}b\n`)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      reason: "TABLE_SEPARATOR_UNSUPPORTED",
      message: expect.stringContaining(
        `names another separator than a comma; separate the fields with commas`,
      ) as string,
    });
  });
});
