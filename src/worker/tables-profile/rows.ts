// Reads the rows of a CSV file (RFC 4180) with csv-parse, in bounded memory, and says where a malformed one is.
import { Buffer } from "node:buffer";
import { CsvError, type InfoRecord, type Parser, parse } from "csv-parse";
import { type MalformedTableReason, malformedTable } from "./malformed-table";
import { MAX_ROW_BYTES } from "./table-limits";
import { Utf8Checker } from "./utf8";

/** The rows that ended in one piece of the input. */
export interface RowBatch {
  /** The fields of each row; the first row of the first batch that has one is the header. */
  rows: string[][];
  bytesDone: number;
}

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
/** Of both orders of UTF-16. UTF-8 has neither byte. */
const UTF16_MARKS: ReadonlySet<number> = new Set([0xfffe, 0xfeff]);
/** Where a table is not separated by commas, it is by one of these. */
const OTHER_SEPARATORS = [";", "\t", "|"] as const;
const SEPARATOR_NAMES = { ";": "semicolons", "\t": "tabs", "|": "vertical bars" } as const;
const QUOTE = 0x22;

/** csv-parse looks up to 3 bytes ahead before it takes one; with these behind it, it has taken all that came before. */
const LOOKAHEAD_PADDING = Buffer.from("x".repeat(8));

const quoteProblems: Partial<Record<CsvError["code"], string>> = {
  INVALID_OPENING_QUOTE:
    "a quote stands inside a field that is not quoted (RFC 4180: quote the whole field, double its quotes)",
  CSV_INVALID_CLOSING_QUOTE:
    "text follows the closing quote of a field (RFC 4180: double the quotes inside a quoted field)",
  CSV_QUOTE_NOT_CLOSED: "the input ends inside a quoted field",
};

/**
 * The rows of a table, batch by batch, one for each piece. The first piece must hold all byte order marks or all of the
 * input: the marks are dropped. A line without a single character is no row.
 *
 * @throws {RpcError} INVALID_ARGUMENT, with the place, for what is not text, not CSV, or longer than `MAX_ROW_BYTES`.
 */
export async function* readRows(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<RowBatch, void, undefined> {
  const reader = new RowReader();
  for await (const piece of pieces) {
    await reader.read(piece);
    yield reader.takeBatch();
  }
  await reader.end();
  yield reader.takeBatch();
}

class RowReader {
  readonly #parser: Parser;
  readonly #utf8 = new Utf8Checker();
  #rows: string[][] = [];
  #rowsDone = 0;
  /** Offset in the input of the first byte given to the parser: behind the byte order mark. */
  #parserStart = 0;
  #bytesDone = 0;
  #rowStart = 0;
  #lastByte: number | undefined;
  /** The header, where it is one field that is not quoted, and so may be several that no comma separates. */
  #lonelyHeader: { text: string; byteOffset: number } | undefined;

  constructor() {
    this.#parser = parse({
      encoding: "utf8",
      // A carriage return alone ends the rows of Excel for Mac. It is no data: RFC 4180's TEXTDATA has none.
      record_delimiter: ["\r\n", "\n", "\r"],
      relax_column_count: true,
      on_record: (fields, info) => this.#onRow(fields, info),
    });
    // Errors come through the callbacks of write and end; without a listener they would be uncaught as well.
    this.#parser.on("error", () => {});
  }

  async read(piece: Uint8Array): Promise<void> {
    const unreadable = firstUnreadable(piece, this.#bytesDone, this.#utf8);
    if (unreadable !== undefined) return this.#refuse(piece, unreadable);
    await this.#parse(this.#bytesDone === 0 ? this.#withoutByteOrderMark(piece) : piece);
    this.#bytesDone += piece.length;
    this.#lastByte = piece.at(-1) ?? this.#lastByte;
    if (this.#bytesDone - this.#rowStart > MAX_ROW_BYTES) throw this.#rowTooLong();
  }

  async end(): Promise<void> {
    const cutOff = this.#utf8.cutOffAtEnd();
    if (cutOff !== undefined) return this.#refuse(new Uint8Array(), { byteOffset: cutOff, problem: CUT_OFF });
    await new Promise<void>((resolve, reject) => {
      this.#parser.end((error?: Error | null) => (error ? reject(this.#malformed(error)) : resolve()));
    });
  }

  takeBatch(): RowBatch {
    const rows = this.#rows;
    this.#rows = [];
    return { rows, bytesDone: this.#bytesDone };
  }

  /** Resolves when the parser has taken all of `bytes`, which is what holds the input back. */
  #parse(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#parser.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), (error?: Error | null) =>
        error ? reject(this.#malformed(error)) : resolve(),
      );
    });
  }

  /** Returns null, so that the parser's own output stays empty and never fills. */
  #onRow(fields: string[], info: InfoRecord): null {
    const rowEnd = this.#parserStart + info.bytes;
    const rowBytes = rowEnd - this.#rowStart;
    // csv-parse builds an error, stack and all, for each row whose length is not the first row's, even where it is told
    // not to mind: 20 µs a row. A count of 0 makes every row the first.
    (this.#parser.info as { records: number }).records = 0;
    if (!this.#isBlankLine(fields, rowBytes, rowEnd) && !this.#isSeparatorLine(fields)) {
      if (rowBytes > MAX_ROW_BYTES) throw this.#rowTooLong();
      if (this.#rowsDone === 0) this.#lonelyHeader = this.#lonelyField(fields, rowBytes);
      else if (this.#rowsDone === 1) this.#refuseOtherSeparator(fields);
      this.#rows.push(fields);
      this.#rowsDone++;
    }
    this.#rowStart = rowEnd;
    return null;
  }

  /** A line end of one or two bytes and nothing else; not `""`, which is two bytes at the end of an input. */
  #isBlankLine(fields: string[], rowBytes: number, rowEnd: number): boolean {
    if (fields.length !== 1 || fields[0] !== "" || rowBytes > 2) return false;
    return !(rowEnd === this.#bytesDone && this.#lastByte === QUOTE);
  }

  /** Excel's first line `sep=,` names the separator, and is no row. */
  #isSeparatorLine([first = "", ...more]: readonly string[]): boolean {
    if (this.#rowsDone > 0 || !/^sep=[^,]?$/u.test(first)) return false;
    if (first === "sep=" && more.length === 1 && more[0] === "") return true;
    if (first === "sep=" || more.length > 0) return false;
    const problem = `the line ${first} names another separator than a comma; separate the fields with commas (RFC 4180)`;
    throw this.#error("TABLE_SEPARATOR_UNSUPPORTED", this.#rowStart, problem);
  }

  /** Quotes are two bytes more, and the row's end is at least one. */
  #lonelyField(
    [text = "", ...more]: readonly string[],
    rowBytes: number,
  ): { text: string; byteOffset: number } | undefined {
    const isQuoted = rowBytes - Buffer.byteLength(text) > 2;
    return more.length > 0 || isQuoted ? undefined : { text, byteOffset: this.#rowStart };
  }

  /** A table with semicolons would be one column of text. Its numbers may have commas, so the row's fields are one text here. */
  #refuseOtherSeparator(fields: readonly string[]): void {
    const header = this.#lonelyHeader;
    if (!header) return;
    const row = fields.join(",");
    const separator = OTHER_SEPARATORS.find((other) => {
      const count = header.text.split(other).length - 1;
      return count > 0 && row.split(other).length - 1 === count;
    });
    if (separator === undefined) return;
    const problem =
      `the header and the row below it have ${SEPARATOR_NAMES[separator]}, and the header has no comma; separate the fields ` +
      "with commas (RFC 4180), or quote the header if it is one field";
    throw malformedTable("TABLE_SEPARATOR_UNSUPPORTED", { row: 1, byteOffset: header.byteOffset }, problem);
  }

  /** Some programs write a mark over one that is there already: every mark at the beginning is dropped. */
  #withoutByteOrderMark(piece: Uint8Array): Uint8Array {
    let start = 0;
    while (BYTE_ORDER_MARK.every((byte, i) => piece[start + i] === byte)) start += BYTE_ORDER_MARK.length;
    this.#parserStart = this.#rowStart = start;
    return piece.subarray(start);
  }

  /** Parses up to the unreadable byte, so that an earlier error goes first and the row is known. */
  async #refuse(piece: Uint8Array, { byteOffset, problem }: Unreadable): Promise<never> {
    const readable = piece.subarray(0, Math.max(0, byteOffset - this.#bytesDone));
    await this.#parse(this.#bytesDone === 0 ? this.#withoutByteOrderMark(readable) : readable);
    await this.#parse(LOOKAHEAD_PADDING);
    throw malformedTable("TABLE_NOT_TEXT", { row: this.#rowsDone + 1, byteOffset }, problem);
  }

  #rowTooLong(): Error {
    const problem = `the row that begins here is longer than ${MAX_ROW_BYTES} bytes; is a quote left open?`;
    return this.#error("TABLE_ROW_TOO_LONG", this.#rowStart, problem);
  }

  /** The parser's error as ours. Where it is not about quotes it is not about the input, and passes as it is. */
  #malformed(error: Error): Error {
    const problem = error instanceof CsvError ? quoteProblems[error.code] : undefined;
    if (!(error instanceof CsvError) || problem === undefined) return error;
    const fieldsBefore = Number(error.index);
    const delimiterOffset = this.#parserStart + Number(error.bytes);
    const fieldStart = fieldsBefore === 0 ? this.#rowStart : delimiterOffset + 1;
    return this.#error(
      "TABLE_QUOTE_MALFORMED",
      fieldStart,
      `in the field that begins here, ${problem}`,
      fieldsBefore + 1,
    );
  }

  #error(reason: MalformedTableReason, byteOffset: number, problem: string, field?: number): Error {
    const row = this.#rowsDone + 1;
    return malformedTable(reason, field === undefined ? { row, byteOffset } : { row, field, byteOffset }, problem);
  }
}

interface Unreadable {
  byteOffset: number;
  problem: string;
}

const NOT_UTF8 = "the input is not UTF-8";
const CUT_OFF = "the input is not UTF-8: it ends inside a character";
const UTF16 = "the input begins as UTF-16 does; save the table as UTF-8";
const NUL = "the input holds a NUL byte, which no text has; is it UTF-16?";

/** The first byte of `piece`, which begins at `pieceStart`, that is not text. */
function firstUnreadable(piece: Uint8Array, pieceStart: number, utf8: Utf8Checker): Unreadable | undefined {
  const [first = 0, second = 0] = piece;
  if (pieceStart === 0 && UTF16_MARKS.has(first * 256 + second)) return { byteOffset: 0, problem: UTF16 };
  const illFormed = utf8.firstIllFormed(piece);
  const nul = piece.indexOf(0);
  if (nul >= 0 && (illFormed === undefined || pieceStart + nul < illFormed)) {
    return { byteOffset: pieceStart + nul, problem: NUL };
  }
  return illFormed === undefined ? undefined : { byteOffset: illFormed, problem: NOT_UTF8 };
}
