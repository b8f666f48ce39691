// The small change of sentences about operations: times as people say them, errors by their names.
import { formatTimestampMs } from "../aip/timestamp";
import { codeNameFromNumber } from "../rpc/code";
import type { Status } from "../rpc/status";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `2026-01-31T12:00:07Z (in 7s)`, `2026-01-31T11:59:55Z (5s ago)` */
export function when(time: number, now: number): string {
  const distance = time > now ? `in ${length(time - now)}` : `${length(now - time)} ago`;
  return `${formatTimestampMs(time)} (${distance})`;
}

/** In the largest unit of which there are two: `90s`, `3h`, `30d`. */
export function length(ms: number): string {
  if (ms >= 2 * DAY_MS) return `${Math.floor(ms / DAY_MS)}d`;
  if (ms >= 2 * HOUR_MS) return `${Math.floor(ms / HOUR_MS)}h`;
  if (ms >= 2 * MINUTE_MS) return `${Math.floor(ms / MINUTE_MS)}m`;
  return `${Math.floor(ms / SECOND_MS)}s`;
}

export function errorText({ code, message }: Pick<Status, "code" | "message">): string {
  return `${codeNameFromNumber(code) ?? code}: ${message}`;
}

/** One sentence, whatever the text ends with. */
export function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}
