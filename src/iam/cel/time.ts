// CEL's timestamps (nanoseconds since 1970, in the years 1 to 9999), their parts in a time zone, and durations.
// https://github.com/google/cel-spec/blob/master/doc/langdef.md#timestamps-and-durations
import { parseTimestamp } from "../../aip/timestamp";
import { CelError } from "./cel-error";

const NANOS_PER_MS = 1_000_000n;
const NANOS_PER_SECOND = 1_000_000_000n;
const MIN_NANOS = -62_135_596_800n * NANOS_PER_SECOND;
const MAX_NANOS = 253_402_300_800n * NANOS_PER_SECOND - 1n;
const MS_PER_DAY = 86_400_000;

export function timestampFromMs(ms: number): bigint {
  return BigInt(ms) * NANOS_PER_MS;
}

export function timestampFromSeconds(seconds: bigint): bigint {
  return timestampInRange(seconds * NANOS_PER_SECOND);
}

export function timestampFromText(text: string): bigint {
  const parsed = parseTimestamp(text);
  if (!parsed) throw new CelError('needs a time of RFC 3339, like "2030-01-01T00:00:00Z"');
  return BigInt(parsed.seconds) * NANOS_PER_SECOND + BigInt(parsed.nanos);
}

export function timestampInRange(nanos: bigint): bigint {
  if (nanos < MIN_NANOS || nanos > MAX_NANOS) throw new CelError("gives a time outside the years 1 to 9999");
  return nanos;
}

/** Each reads a Date whose UTC fields are those of the time zone. */
export const TIME_PARTS = {
  getFullYear: (date: Date) => date.getUTCFullYear(),
  getMonth: (date: Date) => date.getUTCMonth(),
  getDate: (date: Date) => date.getUTCDate(),
  getDayOfMonth: (date: Date) => date.getUTCDate() - 1,
  getDayOfWeek: (date: Date) => date.getUTCDay(),
  getDayOfYear: (date: Date) => (date.getTime() - sameTimeOnNewYear(date)) / MS_PER_DAY,
  getHours: (date: Date) => date.getUTCHours(),
  getMinutes: (date: Date) => date.getUTCMinutes(),
  getSeconds: (date: Date) => date.getUTCSeconds(),
  getMilliseconds: (date: Date) => date.getUTCMilliseconds(),
};

function sameTimeOnNewYear(date: Date): number {
  return new Date(date).setUTCFullYear(date.getUTCFullYear(), 0, 1);
}

export function dateFromTimestamp(nanos: bigint): Date {
  // BigInt division rounds towards zero; a time before 1970 is rounded towards the past.
  const ms = nanos / NANOS_PER_MS;
  return new Date(Number(nanos % NANOS_PER_MS < 0n ? ms - 1n : ms));
}

export function isTimeZone(zone: string): boolean {
  return formatFor(zone) !== undefined;
}

/** The time in a zone, as a Date whose fields in UTC are those of the zone: an IANA name or an offset like `+02:00`. */
export function dateInZone(nanos: bigint, zone: string): Date {
  const format = formatFor(zone);
  if (!format) throw new CelError("needs a time zone like Europe/Berlin");
  const date = dateFromTimestamp(nanos);
  const parts = new Map(format.formatToParts(date).map(({ type, value }) => [type, value]));
  const part = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type));
  // The year before 1 is 0 in CEL, and 1 BC in the platform's calendar.
  const year = parts.get("era") === "BC" ? 1 - part("year") : part("year");
  const local = new Date(0);
  local.setUTCFullYear(year, part("month") - 1, part("day"));
  local.setUTCHours(part("hour"), part("minute"), part("second"), date.getUTCMilliseconds());
  return local;
}

function formatFor(timeZone: string): Intl.DateTimeFormat | undefined {
  const numeric = "numeric";
  const date = { era: "short", year: numeric, month: numeric, day: numeric } as const;
  const time = { hour: numeric, minute: numeric, second: numeric, hourCycle: "h23" } as const;
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone, ...date, ...time });
  } catch {
    // Its only error is the time zone.
    return undefined;
  }
}

const MAX_DURATION_CHARACTERS = 64;
const NUMBER_WITH_UNIT = /(?:(\d{1,12})(?:\.(\d{0,9}))?|\.(\d{1,9}))(ns|us|µs|ms|s|m|h)/y;
const NANOS_BY_UNIT: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1_000n],
  ["µs", 1_000n],
  ["ms", 1_000_000n],
  ["s", NANOS_PER_SECOND],
  ["m", 60n * NANOS_PER_SECOND],
  ["h", 3_600n * NANOS_PER_SECOND],
]);
/** google/protobuf/duration.proto: ±10,000 years. */
const MAX_DURATION_NANOS = 315_576_000_000n * NANOS_PER_SECOND;

export function durationInRange(nanos: bigint): bigint {
  if (nanos < -MAX_DURATION_NANOS || nanos > MAX_DURATION_NANOS)
    throw new CelError("gives a duration that is out of range");
  return nanos;
}

/** Nanoseconds of `"-1h30m0.5s"`. */
export function durationFromText(text: string): bigint {
  const sign = text.startsWith("-") ? -1n : 1n;
  let index = text.startsWith("-") || text.startsWith("+") ? 1 : 0;
  let nanos = 0n;
  if (text.length > MAX_DURATION_CHARACTERS || index === text.length) throw notADuration();
  while (index < text.length) {
    NUMBER_WITH_UNIT.lastIndex = index;
    const [match = "", whole = "0", fraction, bareFraction, name = ""] = NUMBER_WITH_UNIT.exec(text) ?? [];
    const unit = NANOS_BY_UNIT.get(name);
    if (unit === undefined) throw notADuration();
    const billionths = BigInt((fraction ?? bareFraction ?? "").padEnd(9, "0"));
    nanos += BigInt(whole) * unit + (billionths * unit) / NANOS_PER_SECOND;
    index += match.length;
  }
  return durationInRange(sign * nanos);
}

function notADuration(): CelError {
  return new CelError('needs a duration like "1h30m"');
}
