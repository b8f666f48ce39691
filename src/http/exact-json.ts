// JSON whose integers are exact: from 2^53 on, JavaScript's numbers hold not every integer, and `1e400` not at all.

/** A number that cannot be held, in the place of its value. */
export interface InexactNumber {
  /** Where it is: field names and indexes. */
  path: (string | number)[];
  /** As it was written. */
  source: string;
}

/** Sixteen digits, or an exponent: a text without either has no such number. */
const MAY_BE_INEXACT = /\d{16}|\d[eE][+-]?\d/;

class Inexact {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

/** The numbers of a JSON text that would become others, at most `max` of them. The text must be well formed. */
export function inexactNumbers(text: string, max: number): InexactNumber[] {
  if (!MAY_BE_INEXACT.test(text)) return [];
  let found = 0;
  // The source text of a value is a part of JSON.parse that TypeScript does not know yet.
  const marked: unknown = JSON.parse(text, ((_key: string, value: unknown, { source }: { source?: string }) => {
    if (typeof value !== "number" || source === undefined || found >= max || isKept(value, source)) return value;
    found += 1;
    return new Inexact(source);
  }) as (this: unknown, key: string, value: unknown) => unknown);
  return found === 0 ? [] : placesOf(marked, []);
}

/** A fraction is rounded, as every double is. An integer is kept where it is the double's value, or how that is written. */
function isKept(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return false;
  if (!Number.isInteger(value) || Number.isSafeInteger(value)) return true;
  if (/^-?\d+$/.test(source) && BigInt(source) === BigInt(value)) return true;
  return decimal(source) === decimal(String(value));
}

/** Digits and exponent, so that `1e21`, `1E+21` and `1000000000000000000000` are one text. */
function decimal(source: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(source) ?? [];
  const digits = (whole + fraction).replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}

function placesOf(value: unknown, path: (string | number)[]): InexactNumber[] {
  if (value instanceof Inexact) return [{ path, source: value.source }];
  if (Array.isArray(value)) return value.flatMap((item, index) => placesOf(item, [...path, index]));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => placesOf(member, [...path, key]));
}
