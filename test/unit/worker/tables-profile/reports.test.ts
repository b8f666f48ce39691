// Tables of public reports about CSV parsers (docs/cases.md). Each is named by its report.
import { describe, expect, test } from "vitest";
import { profileTable } from "../../../../src/worker/tables-profile/profile-table";
import { chunksOf } from "./table-input";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

async function shapeOf(table: string | Uint8Array) {
  const { rowCount, raggedRowCount, columns } = await profileTable(chunksOf(table));
  return [rowCount, raggedRowCount, columns.map(({ name, type }) => `${name}: ${type}`).join(" | ")];
}

describe("tables:profile", () => {
  test.each<[report: string, table: string, rows: number, ragged: number, columns: string]>([
    ["PapaParse 1016, 890: headers of one name", "a,a,a\n1,x,3\n", 1, 0, "a: integer | a: string | a: integer"],
    [
      "dataverse-previewers 20: empty headers",
      "Column 1,,Column 3\n1,x,3\n",
      1,
      0,
      "Column 1: integer | : string | Column 3: integer",
    ],
    ["PapaParse 584: blank lines before the header", "\n\r\na,b\n1,2\n", 1, 0, "a: integer | b: integer"],
    ["PapaParse 161: blank lines at the end", "a,b\n1,2\n\n\n", 1, 0, "a: integer | b: integer"],
    ["a header alone, without an end of line", "a,b", 0, 0, "a: string | b: string"],
    ["scala-csv 33: a quoted empty field", 'a,b\nhello,""\n', 1, 0, "a: string | b: string"],
    ["csv-parser 41: quotes at the end of a field", 'id\n""""""\n"test"\n', 2, 0, "id: string"],
    [
      "PapaParse 121: doubled quotes beside commas",
      'a,b,c\n"1","cnonce="""",nc=""""","2"\n',
      1,
      0,
      "a: integer | b: string | c: integer",
    ],
    [
      "ya-csv 2: three quotes, and no end of line",
      'one,"""two"", half"\n1,2',
      1,
      0,
      'one: integer | "two", half: integer',
    ],
    ["csv-simple-parser 1: an empty last field", "a,b\n1,\n2,3\n", 2, 0, "a: integer | b: integer"],
    ["a comma too many in the rows", "a,b\n1,2,\n3,4,\n", 2, 2, "a: integer | b: integer"],
    ["a comma too many everywhere", "a,b,\n1,2,\n", 1, 0, "a: integer | b: integer | : string"],
    ["csv-parser 171: an end of line in quotes", 'a,b\r\n"x\r\ny",1\r\n', 1, 0, "a: string | b: integer"],
    ["leading zeros are no number", "zip\n01234\n00501\n", 2, 0, "zip: string"],
    ["a day that there is not is no date", "d\n2026-02-30\n2026-01-01\n", 2, 0, "d: string"],
    ["Excel's booleans", "b\nTRUE\nfalse\n", 2, 0, "b: boolean"],
    ["names of an object's own", "__proto__,constructor\n1,2\n", 1, 0, "__proto__: integer | constructor: integer"],
    ["a semicolon in a text", "a,b\nx;y,1\n", 1, 0, "a: string | b: integer"],
    ["a header of one quoted field", '"a;b"\n1;2\n', 1, 0, "a;b: string"],
    ["one column of texts with semicolons", "notes\nx;y\n", 1, 0, "notes: string"],
    ["a semicolon in the header alone", "notes;\nx\n", 1, 0, "notes;: string"],
  ])("%s", async (_, table, rows, ragged, columns) => {
    expect(await shapeOf(table)).toEqual([rows, ragged, columns]);
  });

  test.each<[report: string, table: string | Uint8Array, reason: string, message: string]>([
    [
      "semicolons",
      "a;b\n1;2\n",
      "TABLE_SEPARATOR_UNSUPPORTED",
      "Row 1, byte offset 0: the header and the row below it have semicolons",
    ],
    [
      "semicolons behind a mark, and decimal commas",
      "\ufeffa;b;c\r\n1,5;2,5;x\r\n",
      "TABLE_SEPARATOR_UNSUPPORTED",
      "byte offset 3",
    ],
    ["tabs", "a\tb\n1\t2\n", "TABLE_SEPARATOR_UNSUPPORTED", "have tabs"],
    ["vertical bars", "a|b\n1|2\n", "TABLE_SEPARATOR_UNSUPPORTED", "have vertical bars"],
    [
      "UTF-16, little end first",
      Uint8Array.of(0xff, 0xfe, 0x61, 0),
      "TABLE_NOT_TEXT",
      "begins as UTF-16 does; save the table as UTF-8",
    ],
    ["UTF-16, big end first", Uint8Array.of(0xfe, 0xff, 0, 0x61), "TABLE_NOT_TEXT", "begins as UTF-16 does"],
    ["UTF-16 without a mark", Uint8Array.of(0x61, 0, 0x0a, 0), "TABLE_NOT_TEXT", "is it UTF-16?"],
    [
      "Latin 1",
      Uint8Array.of(0x61, 0x0a, 0xe9, 0x0a),
      "TABLE_NOT_TEXT",
      "Row 2, byte offset 2: the input is not UTF-8",
    ],
    ["stevehansen/csv 71: a space before a quote", 'a, b\n1, ",,"\n', "TABLE_QUOTE_MALFORMED", "Row 2, field 2"],
    ["PapaParse 452: a space behind a quote", 'a,b\n1,"x" \n', "TABLE_QUOTE_MALFORMED", "Row 2, field 2"],
    ["stevehansen/csv 35: a backslash before a quote", 'a,b\n"A \\"","B"\n', "TABLE_QUOTE_MALFORMED", "Row 2, field 1"],
    ["a quote that is left open", 'a,b\n1,"x\n2,3\n', "TABLE_QUOTE_MALFORMED", "ends inside a quoted field"],
    ["nothing but a mark", utf8("\ufeff"), "TABLE_EMPTY", "The input is empty"],
  ])("rejects %s", async (_, table, reason, message) => {
    await expect(shapeOf(table)).rejects.toMatchObject({ reason, message: expect.stringContaining(message) as string });
  });
});
