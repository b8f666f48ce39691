// CEL's durations: decimal numbers with units, `1h30m`, as Go's time.ParseDuration reads them.
import { CelError } from "./cel-error";

const MAX_CHARACTERS = 64;
const NUMBER_WITH_UNIT = /(?:(\d{1,12})(?:\.(\d{0,9}))?|\.(\d{1,9}))(ns|us|µs|ms|s|m|h)/y;
const NANOS_PER_SECOND = 1_000_000_000n;
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
const MAX_NANOS = 315_576_000_000n * NANOS_PER_SECOND;

/** Nanoseconds within the range of a duration. */
export function durationInRange(nanos: bigint): bigint {
  if (nanos < -MAX_NANOS || nanos > MAX_NANOS) throw new CelError("gives a duration that is out of range");
  return nanos;
}

/** Nanoseconds of `"-1h30m0.5s"`. */
export function durationFromText(text: string): bigint {
  const sign = text.startsWith("-") ? -1n : 1n;
  let index = text.startsWith("-") || text.startsWith("+") ? 1 : 0;
  let nanos = 0n;
  if (text.length > MAX_CHARACTERS || index === text.length) throw notADuration();
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
