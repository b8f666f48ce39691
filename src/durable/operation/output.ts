// The output of an operation, in rows of the texts that were stored together. Offsets count bytes of UTF-8.
import { MAX_OUTPUT_BYTES, MAX_OUTPUT_PART_CHARACTERS } from "../../limits";
import type { OutputPart } from "../../contract/answer";
import { utf8Length } from "../../rpc/utf8";

const PREFIX = "output/";

/** PERSISTED CONTRACT: the offset of a row's text is its key. */
export class Output {
  readonly #kv: SyncKvStorage;
  #end: number | undefined;

  constructor(kv: SyncKvStorage) {
    this.#kv = kv;
  }

  /** Where the output ends, in bytes. */
  get end(): number {
    if (this.#end === undefined) {
      const [last] = this.#kv.list<string>({ prefix: PREFIX, reverse: true, limit: 1 });
      this.#end = last ? offsetFromKey(last[0]) + utf8Length(last[1]) : 0;
    }
    return this.#end;
  }

  /** Whether it is new: a runner that has lost its channel sends a part again. */
  append({ offset, text }: OutputPart): boolean {
    if (offset < this.end) return false;
    this.#kv.put(keyFromOffset(offset), text);
    this.#end = offset + utf8Length(text);
    for (const [key, oldest] of this.#kv.list<string>({ prefix: PREFIX, limit: MAX_DISPLACED_ROWS })) {
      if (this.#end - offsetFromKey(key) - utf8Length(oldest) < MAX_OUTPUT_BYTES) break;
      this.#kv.delete(key);
    }
    return true;
  }

  /** From an offset on, as far as a part reaches. Skips text that is not kept any more, and the rest of a letter. */
  read(offset: number): OutputPart & { nextOffset: number } {
    const [before] = this.#kv.list({ prefix: PREFIX, end: keyFromOffset(offset + 1), reverse: true, limit: 1 });
    let start = offset;
    let next: number | undefined;
    let text = "";
    for (const [key, row] of this.#kv.list<string>({ prefix: PREFIX, start: before?.[0] ?? keyFromOffset(offset) })) {
      const at = offsetFromKey(key);
      const end = at + utf8Length(row);
      if (end <= offset) continue;
      // Behind a gap begins another part.
      if (next !== undefined && (next !== at || text.length + row.length > MAX_OUTPUT_PART_CHARACTERS)) break;
      const rest = next === undefined && at < offset ? textFrom(row, offset - at) : row;
      if (next === undefined) start = end - utf8Length(rest);
      text += rest;
      next = end;
    }
    return { offset: Math.min(start, this.end), text, nextOffset: next ?? this.end };
  }
}

/** One row displaces a few: rows are of different sizes. */
const MAX_DISPLACED_ROWS = 8;

/** Keys sort as the offsets do. */
function keyFromOffset(offset: number): string {
  return PREFIX + String(offset).padStart(12, "0");
}

function offsetFromKey(key: string): number {
  return Number(key.slice(PREFIX.length));
}

/** A text without its first bytes, and without the rest of a letter that they split. */
function textFrom(text: string, bytes: number): string {
  const encoded = new TextEncoder().encode(text);
  let start = bytes;
  while (start < encoded.length && (encoded[start]! & 0xc0) === 0x80) start += 1;
  return new TextDecoder().decode(encoded.subarray(start));
}
