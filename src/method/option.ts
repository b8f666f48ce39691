// The options of a declaration as values: durations and numbers within their bounds.
import { type DurationText, durationTextToMs } from "../aip/duration";

export interface Bounds {
  byDefault: number;
  min: number;
  max: number;
}

/** @throws TypeError that names the option. */
export function checkedDuration(option: string, text: DurationText | undefined, bounds: Bounds): number {
  if (text === undefined) return bounds.byDefault;
  const ms = durationTextToMs(text);
  if (ms === undefined)
    throw new TypeError(`${option} is ${JSON.stringify(text)}; write a number and a unit: "90s", "1h", "30d"`);
  return checkedNumber(`${option}, in milliseconds,`, ms, bounds);
}

/** @throws TypeError that names the option. */
export function checkedInteger(option: string, value: number | undefined, bounds: Bounds): number {
  const number = checkedNumber(option, value, bounds);
  if (!Number.isInteger(number))
    throw new TypeError(`${option} is ${JSON.stringify(number)}; it must be a whole number`);
  return number;
}

/** @throws TypeError that names the option. */
export function checkedNumber(option: string, value: number | undefined, { byDefault, min, max }: Bounds): number {
  if (value === undefined) return byDefault;
  if (!(value >= min && value <= max)) throw new TypeError(`${option} is ${value}; it may be from ${min} to ${max}`);
  return value;
}
