// Strings as sequences of Unicode code points, and the part of a long one that is remembered, so that memory is bounded.
// All input is valid UTF-8, so every surrogate here is one half of a pair.
import { createHash } from "node:crypto";
import { MAX_KEPT_VALUE_CODE_POINTS } from "./table-limits";

export function codePointLength(text: string): number {
  let pairs = 0;
  for (let i = 0; i < text.length; i++) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xd800) pairs++;
  }
  return text.length - pairs;
}

/** `text`, or its first `limit` code points where it has more: a copy, which does not keep the whole of it alive. */
export function firstCodePoints(text: string, limit: number): string {
  if (text.length <= limit || codePointLength(text) <= limit) return text;
  return Array.from(text.slice(0, 2 * limit))
    .slice(0, limit)
    .join("");
}

/** No text holds it: a table with a NUL byte is rejected. */
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

export function shownValueFromKey(key: string): string {
  const end = key.indexOf(DIGEST_MARK);
  return end < 0 ? key : key.slice(0, end);
}
