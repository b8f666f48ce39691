// bool, string and bytes in their JSON mapping.
import type { ScalarType } from "./value-type";

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
    // "A string must always contain UTF-8": half a surrogate pair has none.
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
/** By how much padding is missing, what of the last digit is no part of any byte. */
const SPARE_BITS = [0, 0b11, 0b1111] as const;

/** "Either standard or URL-safe base64 encoding with/without paddings are accepted": all of them as the first. */
function standardBase64(text: string): string | undefined {
  const match = /^([A-Za-z0-9+/_-]*)(={0,2})$/.exec(text);
  if (!match) return undefined;
  const [, digits = "", padding = ""] = match;
  const missing = (4 - (digits.length % 4)) % 4;
  if (missing === 3 || (padding !== "" && padding.length !== missing)) return undefined;
  const standard = digits.replaceAll("-", "+").replaceAll("_", "/");
  const spareBits = SPARE_BITS[missing] ?? 0;
  if (spareBits === 0) return standard;
  // Whatever stands in them, the bytes are the same, and so is their canonical form.
  const last = BASE64[BASE64.indexOf(standard.at(-1) ?? "") & ~spareBits] ?? "";
  return standard.slice(0, -1) + last + "=".repeat(missing);
}
