// google.protobuf.Timestamp in its JSON mapping: RFC 3339, years 0001 to 9999, up to nine fractional digits.

/** A point in time: seconds since 1970-01-01T00:00:00Z, and 0 to 999,999,999 nanoseconds counting forward from there. */
export interface Timestamp {
  seconds: number;
  nanos: number;
}

const TIMESTAMP = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;
const MIN_SECONDS = -62_135_596_800;
const MAX_SECONDS = 253_402_300_799;

/** Parses RFC 3339 as proto3 JSON takes it; undefined where the text is not one or names no real date. */
export function parseTimestamp(text: string): Timestamp | undefined {
  const match = TIMESTAMP.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const midnight = midnightMs(year, month, day);
  if (midnight === undefined || hour > 23 || minute > 59 || second > 59) return undefined;
  const offsetHours = Number(match[9] ?? 0);
  const offsetMinutes = Number(match[10] ?? 0);
  if (offsetHours > 23 || offsetMinutes > 59) return undefined;
  const offset = (offsetHours * 60 + offsetMinutes) * 60 * (match[8] === "-" ? -1 : 1);
  const seconds = midnight / 1_000 + hour * 3_600 + minute * 60 + second - offset;
  if (seconds < MIN_SECONDS || seconds > MAX_SECONDS) return undefined;
  return { seconds, nanos: Number((match[7] ?? "").padEnd(9, "0")) };
}

/** When a day begins in UTC, in milliseconds since 1970; undefined where the calendar does not have it. */
export function midnightMs(year: number, month: number, day: number): number | undefined {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  // A day that the month does not have rolls over into the next.
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.getTime() : undefined;
}

/** Formats as proto3 JSON does: UTC, `Z`, 0, 3, 6 or 9 fractional digits. */
export function formatTimestamp({ seconds, nanos }: Timestamp): string {
  const whole = new Date(seconds * 1_000).toISOString().slice(0, 19);
  return `${whole}${formatFraction(nanos)}Z`;
}

/** `.5` in as few of 3, 6 or 9 digits as hold it, empty for zero. Shared with Duration. */
export function formatFraction(nanos: number): string {
  if (nanos === 0) return "";
  const digits = String(nanos).padStart(9, "0");
  if (nanos % 1_000_000 === 0) return `.${digits.slice(0, 3)}`;
  if (nanos % 1_000 === 0) return `.${digits.slice(0, 6)}`;
  return `.${digits}`;
}

/** Milliseconds since 1970 as RFC 3339, always with three fractional digits, as the service writes its own times. */
export function formatTimestampMs(ms: number): string {
  return new Date(ms).toISOString();
}

/** Milliseconds since 1970, rounded up, so that nothing due at a timestamp is done before it. */
export function timestampToMs({ seconds, nanos }: Timestamp): number {
  return seconds * 1_000 + Math.ceil(nanos / 1_000_000);
}
