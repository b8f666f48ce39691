// Reads a cell's text as a typed value: each function gives the value, or undefined where the text is not of its type.
// The grammars are those of RFC 8259 (numbers) and RFC 3339 (dates and timestamps); docs in table-profile.ts.
import { midnightMs } from "../../aip/timestamp";

/**
 * `int = [ "-" ] ( "0" / ( %x31-39 *DIGIT ) )`, without `-0`. A bigint beyond ±(2^53 - 1), where a number is not exact.
 * `<` compares the two kinds exactly.
 */
export function integerFromText(text: string): number | bigint | undefined {
  if (!/^(?:0|-?[1-9][0-9]*)$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}

/** `number = [ minus ] int [ frac ] [ exp ]`, within the range of a double. */
export function numberFromText(text: string): number | undefined {
  if (!/^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}

export function booleanFromText(text: string): boolean | undefined {
  if (/^true$/i.test(text)) return true;
  return /^false$/i.test(text) ? false : undefined;
}

/** `full-date = 4DIGIT "-" 2DIGIT "-" 2DIGIT`, of a day that the calendar has. Its text sorts by time. */
export function dateFromText(text: string): string | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (match === null) return undefined;
  return midnightMs(Number(match[1]), Number(match[2]), Number(match[3])) === undefined ? undefined : text;
}

/** An instant, to any number of decimals. Compare minutes, then seconds. */
export interface Instant {
  text: string;
  /** Whole minutes since 1970. */
  minute: number;
  /** `00` to `60`, and what decimals there are without trailing zeros: sorts as text. */
  second: string;
}

/** `date-time = full-date "T" 2DIGIT ":" 2DIGIT ":" 2DIGIT [ "." 1*DIGIT ] ( "Z" / ( "+" / "-" ) 2DIGIT ":" 2DIGIT )` */
const dateTimeGrammar = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2}(?:\.\d+)?)(?:[Zz]|([-+])(\d{2}):(\d{2}))$/;

export function timestampFromText(text: string): Instant | undefined {
  const match = dateTimeGrammar.exec(text);
  if (match === null) return undefined;
  const midnight = midnightMs(Number(match[1]), Number(match[2]), Number(match[3]));
  const [hour, minute] = [Number(match[4]), Number(match[5])];
  const [offsetHour, offsetMinute] = [Number(match[8] ?? 0), Number(match[9] ?? 0)];
  if (midnight === undefined || hour > 23 || minute > 59 || offsetHour > 23 || offsetMinute > 59) return undefined;
  const offsetMinutes = (match[7] === "-" ? -1 : 1) * (offsetHour * 60 + offsetMinute);
  const instant = midnight / MS_PER_MINUTE + hour * 60 + minute - offsetMinutes;
  const second = withoutTrailingZeros(match[6] ?? "");
  if (second >= "60" && !isLeapSecond(instant, second)) return undefined;
  return { text, minute: instant, second };
}

export function isEarlier(a: Instant, b: Instant): boolean {
  return a.minute === b.minute ? a.second < b.second : a.minute < b.minute;
}

/** Second 60 is only ever inserted at the end of a UTC day (RFC 3339, appendix D). */
function isLeapSecond(minute: number, second: string): boolean {
  return second < "61" && (minute + 1) % MINUTES_PER_DAY === 0;
}

const MINUTES_PER_DAY = 24 * 60;
const MS_PER_MINUTE = 60_000;

/** A cell may have a million zeros, which a pattern would try from each of them. */
function withoutTrailingZeros(second: string): string {
  if (!second.includes(".")) return second;
  let end = second.length;
  while (second[end - 1] === "0") end -= 1;
  return second.slice(0, second[end - 1] === "." ? end - 1 : end);
}
