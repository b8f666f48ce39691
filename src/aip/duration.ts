// google.protobuf.Duration in its JSON mapping: seconds with up to nine fractional digits and the suffix "s".
import { formatFraction } from "./timestamp";

const DURATION = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/;
/** google/protobuf/duration.proto: ±10,000 years. */
const MAX_DURATION_SECONDS = 315_576_000_000;

/** A span of time: both fields have the same sign, or are zero. */
export interface Duration {
  seconds: number;
  nanos: number;
}

/** Parses `"30s"`, `"0.5s"`, `"-1.000000001s"`; undefined where the text is not a Duration. */
export function parseDuration(text: string): Duration | undefined {
  const match = DURATION.exec(text);
  if (!match) return undefined;
  const sign = match[1] === "-" ? -1 : 1;
  const seconds = Number(match[2]);
  const nanos = Number((match[3] ?? "").padEnd(9, "0"));
  if (seconds > MAX_DURATION_SECONDS || (seconds === MAX_DURATION_SECONDS && nanos > 0)) return undefined;
  // `|| 0`: no negative zero.
  return { seconds: sign * seconds || 0, nanos: sign * nanos || 0 };
}

/** Formats as proto3 JSON does: `{ seconds: 5, nanos: 500_000_000 }` → `"5.500s"`. */
export function formatDuration({ seconds, nanos }: Duration): string {
  const sign = seconds < 0 || nanos < 0 ? "-" : "";
  return `${sign}${Math.abs(seconds)}${formatFraction(Math.abs(nanos))}s`;
}

/** Milliseconds, rounded up, so that a wait is never shorter than asked for. */
export function durationToMs({ seconds, nanos }: Duration): number {
  return seconds * 1_000 + Math.ceil(nanos / 1_000_000);
}

const MS_BY_UNIT = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A length of time in a declaration: a number and a unit (`ms`, `s`, `m`, `h`, `d`). */
export type DurationText = `${number}${keyof typeof MS_BY_UNIT}`;

/** Whole milliseconds of a declared length of time, `"1h"` → 3,600,000; undefined where the text is not one. */
export function durationTextToMs(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  if (!match) return undefined;
  return Math.round(Number(match[1]) * MS_BY_UNIT[match[2] as keyof typeof MS_BY_UNIT]);
}
