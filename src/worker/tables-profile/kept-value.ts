// The remembered part of a cell's text: the whole text, or the beginning and a digest of a long one, so that memory is
// bounded.
import { createHash } from "node:crypto";
import { codePointLength, firstCodePoints } from "./code-points";
import { MAX_KEPT_VALUE_CODE_POINTS } from "./table-limits";

/** No text holds it: a table with a NUL byte is refused. */
const DIGEST_MARK = "\u0000";

/** The text as the profile shows it: a long one is its first code points and `…`. */
export function shownValue(text: string): string {
  const shown = firstCodePoints(text, MAX_KEPT_VALUE_CODE_POINTS);
  return shown === text ? text : `${shown}…`;
}

/** A key that is equal for equal texts only: the text, or of a long one what is shown and its SHA-256. */
export function keyFromValue(text: string): string {
  if (text.length <= MAX_KEPT_VALUE_CODE_POINTS || codePointLength(text) <= MAX_KEPT_VALUE_CODE_POINTS) return text;
  return shownValue(text) + DIGEST_MARK + createHash("sha256").update(text).digest("base64");
}

/** The shown part of a key's text. */
export function shownValueFromKey(key: string): string {
  const end = key.indexOf(DIGEST_MARK);
  return end < 0 ? key : key.slice(0, end);
}
