// The functions that conditions may call.
// https://github.com/google/cel-spec/blob/master/doc/langdef.md#functions
import { CelError } from "./cel-error";
import {
  durationFromText,
  TIME_PARTS,
  dateFromTimestamp,
  dateInZone,
  timestampFromSeconds,
  timestampFromText,
} from "./time";
import { type Overload, type Overloads, type CelType, DURATION, TIMESTAMP, type Value, int } from "./value";

const toText = (value: string | boolean | bigint): string => String(value);
const codePoints = (text: string): bigint => {
  let count = 0;
  // oxlint-disable-next-line no-unused-vars -- an iteration for each code point
  for (const _ of text) count += 1;
  return BigInt(count);
};
const lengthOf = (value: Uint8Array | readonly Value[]): bigint => BigInt(value.length);

const OTHER_NAMES = "startsWith endsWith contains extract size timestamp duration int string".split(" ");
const durationParts: [name: string, nanos: bigint][] = [
  ["getHours", 3_600_000_000_000n],
  ["getMinutes", 60_000_000_000n],
  ["getSeconds", 1_000_000_000n],
  ["getMilliseconds", 1_000_000n],
];

/** By signature, like `string.startsWith(string)`. The type `list` stands for lists of all types. */
export const FUNCTIONS: Overloads = new Map([
  define("string.startsWith(string)", "bool", (text: string, prefix: string) => text.startsWith(prefix)),
  define("string.endsWith(string)", "bool", (text: string, suffix: string) => text.endsWith(suffix)),
  define("string.contains(string)", "bool", (text: string, part: string) => text.includes(part)),
  define("string.extract(string)", "string", extract),
  ...["string.size()", "size(string)"].map((signature) => define(signature, "int", codePoints)),
  ...["bytes.size()", "size(bytes)", "list.size()", "size(list)"].map((signature) =>
    define(signature, "int", lengthOf),
  ),
  define("timestamp(int)", TIMESTAMP, timestampFromSeconds),
  define("timestamp(string)", TIMESTAMP, timestampFromText),
  define("duration(string)", DURATION, durationFromText),
  define("int(int)", "int", (value: bigint) => value),
  define("int(double)", "int", intFromDouble),
  define("int(string)", "int", intFromText),
  ...["string", "bool", "int", "uint"].map((type) => define(`string(${type})`, "string", toText)),
  define("string(double)", "string", textFromDouble),
  define("string(bytes)", "string", textFromBytes),
  define("bytes.string()", "string", textFromBytes),
  ...Object.entries(TIME_PARTS).flatMap(([name, part]) => [
    define(`${TIMESTAMP}.${name}()`, "int", (time: bigint) => BigInt(part(dateFromTimestamp(time)))),
    define(`${TIMESTAMP}.${name}(string)`, "int", (time: bigint, zone: string) => BigInt(part(dateInZone(time, zone)))),
  ]),
  ...durationParts.map(([name, nanos]) => define(`${DURATION}.${name}()`, "int", (span: bigint) => span / nanos)),
]);

export const FUNCTION_NAMES: ReadonlySet<string> = new Set([...Object.keys(TIME_PARTS), ...OTHER_NAMES]);

function define(signature: string, returns: CelType, apply: Overload["apply"]): [string, Overload] {
  return [signature, { returns, apply }];
}

/** "Rounds toward zero, then errors if result is out of range." */
function intFromDouble(value: number): bigint {
  if (!Number.isFinite(value)) throw new CelError("has no integer for an infinite number or NaN");
  return int(BigInt(Math.trunc(value)));
}

const MAX_INT_CHARACTERS = 20;

function intFromText(text: string): bigint {
  if (text.length > MAX_INT_CHARACTERS || !/^[+-]?\d+$/.test(text)) throw new CelError("needs a whole number");
  return int(BigInt(text));
}

function textFromDouble(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}

/** "Interprets bytes as UTF-8 encoded string. Errors if the byte sequence is not valid UTF-8." */
function textFromBytes(value: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value);
  } catch {
    // Its only error is the encoding.
    throw new CelError("needs bytes in UTF-8");
  }
}

// `extract` is the string function that IAM adds to CEL.
// https://cloud.google.com/iam/docs/conditions-attribute-reference#extract

/**
 * The part of `text` in place of the template's `{…}`: between the first occurrence of the text before it and the next
 * of the text after it. Empty if there is no such part.
 *
 * @example
 * extract("projects/p/operations/1", "projects/{project}/") // "p"
 */
export function extract(text: string, template: string): string {
  const [, prefix, suffix] = /^([^{}]*)\{[^{}]*\}([^{}]*)$/.exec(template) ?? [];
  if (prefix === undefined || suffix === undefined) return "";
  const found = text.indexOf(prefix);
  if (found === -1) return "";
  const start = found + prefix.length;
  const end = suffix === "" ? text.length : text.indexOf(suffix, start);
  return end === -1 ? "" : text.slice(start, end);
}
