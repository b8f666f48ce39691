// bool, string and bytes in their JSON mapping.
import type { ScalarType } from "./declaration";

export const boolType: ScalarType<boolean> = {
  kind: "scalar",
  name: "bool",
  read: (input, reading) => (typeof input === "boolean" ? input : reading.report("must be true or false")),
  fromText: (text) => (text === "true" ? true : text === "false" ? false : text),
};

export const stringType: ScalarType<string> = {
  kind: "scalar",
  name: "string",
  read(input, reading) {
    if (typeof input !== "string") return reading.report("must be a string");
    // "A string must always contain UTF-8": half a surrogate pair has no UTF-8.
    return input.isWellFormed() ? input : reading.report("must be well-formed Unicode");
  },
  fromText: (text) => text,
  isEmpty: (value) => value === "",
};

export const bytesType: ScalarType<string> = {
  kind: "scalar",
  name: "bytes",
  read(input, reading) {
    const base64 = typeof input === "string" ? standardBase64(input) : undefined;
    return base64 ?? reading.report("must be base64");
  },
  fromText: (text) => text,
  isEmpty: (value) => value === "",
};

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** By the number of missing padding characters: the bits of the last digit that belong to no byte. */
const SPARE_BITS = [0, 0b11, 0b1111] as const;

/** "Either standard or URL-safe base64 encoding with/without paddings are accepted". All are kept as the first. */
function standardBase64(text: string): string | undefined {
  const match = /^([A-Za-z0-9+/_-]*)(={0,2})$/.exec(text);
  if (!match) return undefined;
  const [, digits = "", padding = ""] = match;
  const missing = (4 - (digits.length % 4)) % 4;
  if (missing === 3 || (padding !== "" && padding.length !== missing)) return undefined;
  const standard = digits.replaceAll("-", "+").replaceAll("_", "/");
  const spareBits = SPARE_BITS[missing] ?? 0;
  if (spareBits === 0) return standard;
  // Those bits do not change the bytes, nor their canonical form.
  const last = BASE64[BASE64.indexOf(standard.at(-1) ?? "") & ~spareBits] ?? "";
  return standard.slice(0, -1) + last + "=".repeat(missing);
}
