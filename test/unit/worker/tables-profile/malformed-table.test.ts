import { Buffer } from "node:buffer";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { profileTable } from "../../../../src/worker/tables-profile/profile-table";
import type { RpcError } from "../../../../src/rpc/error";
import { chunksOf } from "./table-input";

const bytes = (...parts: (string | number)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from([part]))));

const refusalOf = (table: string | Uint8Array, cuts: number[] = []): Promise<RpcError> =>
  profileTable(chunksOf(table, cuts)).then(
    () => expect.fail("it was accepted"),
    (error: RpcError) => error,
  );

const openingQuote =
  "in the field that begins here, a quote stands inside a field that is not quoted (RFC 4180: quote the whole field, double its quotes)";
const closingQuote =
  "in the field that begins here, text follows the closing quote of a field (RFC 4180: double the quotes inside a quoted field)";
const unclosed = "in the field that begins here, the input ends inside a quoted field";
const notUtf8 = "the input is not UTF-8";
const nul = "the input holds a NUL byte, which no text has; is it UTF-16?";
const rowTooLong = "the row that begins here is longer than 1048576 bytes; is a quote left open?";
const empty = "The input is empty: a table has at least a header row";

const malformed: [name: string, table: string | Uint8Array, reason: string, message: string][] = [
  ["no byte at all", "", "TABLE_EMPTY", empty],
  ["a byte order mark alone", "\ufeff", "TABLE_EMPTY", empty],
  ["blank lines alone", "\n\r\n", "TABLE_EMPTY", empty],
  ["a byte order mark and blank lines alone", "\ufeff\r\n\n", "TABLE_EMPTY", empty],
  [
    "more than 1,000 columns",
    `${"a,".repeat(1000)}a\n`,
    "TABLE_TOO_MANY_COLUMNS",
    "Row 1: the header has 1001 columns; a table may have 1000",
  ],
  ["Latin-1", bytes("a,b\nx,caf", 0xe9, "\n"), "TABLE_NOT_TEXT", `Row 2, byte offset 9: ${notUtf8}`],
  ["Latin-1 in a quoted field", bytes('a\n"caf', 0xe9, '"\n'), "TABLE_NOT_TEXT", `Row 2, byte offset 6: ${notUtf8}`],
  [
    "Latin-1 after a byte order mark",
    bytes("\ufeffa\n", 0xe9, "!"),
    "TABLE_NOT_TEXT",
    `Row 2, byte offset 5: ${notUtf8}`,
  ],
  ["a first byte that is not UTF-8", bytes(0xff, 0xfd, "a"), "TABLE_NOT_TEXT", `Row 1, byte offset 0: ${notUtf8}`],
  [
    "the mark of UTF-16",
    bytes(0xff, 0xfe, "a"),
    "TABLE_NOT_TEXT",
    "Row 1, byte offset 0: the input begins as UTF-16 does; save the table as UTF-8",
  ],
  ["an encoded surrogate", bytes("a\n", 0xed, 0xa0, 0x80), "TABLE_NOT_TEXT", `Row 2, byte offset 2: ${notUtf8}`],
  ["an overlong form", bytes("a\nx", 0xc0, 0xaf), "TABLE_NOT_TEXT", `Row 2, byte offset 3: ${notUtf8}`],
  [
    "an end inside a character",
    bytes("a\nb\n", 0xe6, 0x9d),
    "TABLE_NOT_TEXT",
    `Row 3, byte offset 4: ${notUtf8}: it ends inside a character`,
  ],
  ["UTF-16", Buffer.from("a,b\n1,2\n", "utf16le"), "TABLE_NOT_TEXT", `Row 1, byte offset 1: ${nul}`],
  ["a NUL byte", "a\nb\n\u0000\n", "TABLE_NOT_TEXT", `Row 3, byte offset 4: ${nul}`],
  ["a NUL byte before what is not UTF-8", bytes("a\n", 0, 0xff), "TABLE_NOT_TEXT", `Row 2, byte offset 2: ${nul}`],
  ["a NUL byte after what is not UTF-8", bytes("a\n", 0xff, 0), "TABLE_NOT_TEXT", `Row 2, byte offset 2: ${notUtf8}`],
  [
    "a NUL byte after a closing quote",
    'a\n"b"\u0000\n',
    "TABLE_QUOTE_MALFORMED",
    `Row 2, field 1, byte offset 2: ${closingQuote}`,
  ],
  [
    "a quote inside an unquoted field",
    'a,b\n1,x"y"\n',
    "TABLE_QUOTE_MALFORMED",
    `Row 2, field 2, byte offset 6: ${openingQuote}`,
  ],
  ["a quote after a blank", 'a,b\n1, "y"\n', "TABLE_QUOTE_MALFORMED", `Row 2, field 2, byte offset 6: ${openingQuote}`],
  ["a quote in the header", 'a"\n', "TABLE_QUOTE_MALFORMED", `Row 1, field 1, byte offset 0: ${openingQuote}`],
  [
    "a quote after blank lines",
    '\ufeffa\n\n\r\nb"\n',
    "TABLE_QUOTE_MALFORMED",
    `Row 2, field 1, byte offset 8: ${openingQuote}`,
  ],
  [
    "text after a closing quote",
    'a,b\n"1"x,2\n',
    "TABLE_QUOTE_MALFORMED",
    `Row 2, field 1, byte offset 4: ${closingQuote}`,
  ],
  [
    "a blank after a closing quote",
    'a,b\n1,"2" \n',
    "TABLE_QUOTE_MALFORMED",
    `Row 2, field 2, byte offset 6: ${closingQuote}`,
  ],
  [
    "a quote that is not doubled",
    'a\n"say "hi""\n',
    "TABLE_QUOTE_MALFORMED",
    `Row 2, field 1, byte offset 2: ${closingQuote}`,
  ],
  ["a quote left open", 'a,b\n1,"2\n3,4\n', "TABLE_QUOTE_MALFORMED", `Row 2, field 2, byte offset 6: ${unclosed}`],
  ["a quote left open at the very end", 'a\n"', "TABLE_QUOTE_MALFORMED", `Row 2, field 1, byte offset 2: ${unclosed}`],
  [
    "an earlier quote before a later byte",
    bytes('a\nx"y\n', 0xff),
    "TABLE_QUOTE_MALFORMED",
    `Row 2, field 1, byte offset 2: ${openingQuote}`,
  ],
  [
    "a row of one long field",
    `a\n1\n${"x".repeat(1_048_576)}\n`,
    "TABLE_ROW_TOO_LONG",
    `Row 3, byte offset 4: ${rowTooLong}`,
  ],
  [
    "a row of many fields",
    `a\n${",".repeat(1_100_000)}\n`,
    "TABLE_ROW_TOO_LONG",
    `Row 2, byte offset 2: ${rowTooLong}`,
  ],
  [
    "a quote left open before much else",
    `a\n"${"1\n".repeat(530_000)}`,
    "TABLE_ROW_TOO_LONG",
    `Row 2, byte offset 2: ${rowTooLong}`,
  ],
];

describe("a malformed table", () => {
  test.each(malformed)("with %s is rejected with its position", async (_, table, reason, message) => {
    const error = await refusalOf(table);

    expect({ name: error.name, code: error.code, reason: error.reason, message: error.message }).toEqual({
      name: "RpcError",
      code: "INVALID_ARGUMENT",
      reason,
      message,
    });
  });

  test("has the position in the error's metadata", async () => {
    expect((await refusalOf('a,b\n1,x"y"\n')).metadata).toEqual({ row: "2", field: "2", byteOffset: "6" });
  });

  test("is rejected in the same way however it is cut into chunks", async () => {
    const short = malformed.filter(([, table]) => table.length < 1000);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...short),
        fc.array(fc.nat(20), { maxLength: 6 }),
        async ([, table, , message], cuts) => {
          expect((await refusalOf(table, cuts)).message).toBe(message);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("has the right position across pieces of 64 KiB", async () => {
    const filler = "0123456\n".repeat(8192);
    expect(filler.length).toBe(65_536);

    const split = await refusalOf(bytes("h\n", filler.slice(0, -3), 0xe6, "x\n"));
    const later = await refusalOf(`h\n${filler}a"b\n`);

    expect(split.message).toBe(`Row 8193, byte offset 65535: ${notUtf8}`);
    expect(later.message).toBe(`Row 8194, field 1, byte offset 65538: ${openingQuote}`);
  });
});

describe("a table just within the limits", () => {
  test.each([
    ["1,000 columns", `${"a,".repeat(999)}a\n`],
    ["a row of 1 MiB with its line end", `a\n${"x".repeat(1_048_575)}\n`],
    ["a last row of 1 MiB without a line end", `a\n${"x".repeat(1_048_576)}`],
    ["more than 1 MiB of blank lines", `a\n${"\r\n".repeat(530_000)}`],
  ])("with %s is accepted", async (_, table) => {
    await expect(profileTable(chunksOf(table))).resolves.toBeDefined();
  });
});
