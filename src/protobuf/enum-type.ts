// Enums: by name in JSON, or by number. A number that no value has is rejected.
import { MAX_QUOTED_CHARACTERS } from "../limits";
import { checkFullName } from "./field-name";
import type { TypeReader } from "./reading";

/** A declared enum. `Name` is the union of its values' names and the type of its fields. */
export interface EnumType<Name extends string = string> {
  readonly fullName: string;
  readonly description: string | undefined;
  readonly values: readonly EnumValue<Name>[];
}

export interface EnumValue<Name extends string = string> {
  readonly name: Name;
  readonly number: number;
  readonly description: string | undefined;
}

export interface EnumValueType<T> extends TypeReader<T> {
  readonly kind: "enum";
  readonly enumType: EnumType;
}

export interface EnumOptions<Name extends string> {
  description?: string;
  /** Of single values. */
  descriptions?: Partial<Record<Name, string>>;
}

/**
 * Declares an enum.
 * @throws TypeError if no .proto could declare it: proto3 needs the first value to be 0, and distinct numbers.
 * @example
 * const Format = enumType("example.tables.v1.Format", { FORMAT_UNSPECIFIED: 0, CSV: 1 });
 */
export function enumType<const Values extends Readonly<Record<string, number>>>(
  fullName: string,
  values: Values,
  options: EnumOptions<keyof Values & string> = {},
): EnumType<keyof Values & string> {
  checkFullName(fullName);
  const entries = Object.entries(values) as [keyof Values & string, number][];
  if (entries[0]?.[1] !== 0) throw new TypeError(`enum ${fullName}: the first value must be 0 (UNSPECIFIED, AIP-126)`);
  const numbers = new Set<number>();
  for (const [name, number] of entries) {
    if (!/^[A-Z][A-Z0-9_]*$/.test(name)) throw new TypeError(`enum ${fullName}: write ${name} in UPPER_SNAKE_CASE`);
    if (!Number.isInteger(number) || number !== Math.trunc(number) || Math.abs(number) >= 2 ** 31) {
      throw new TypeError(`enum ${fullName}: ${name} is ${number}, which is no int32`);
    }
    if (numbers.has(number)) throw new TypeError(`enum ${fullName}: two values are ${number}`);
    numbers.add(number);
  }
  return {
    fullName,
    description: options.description,
    values: entries.map(([name, number]) => ({ name, number, description: options.descriptions?.[name] })),
  };
}

/** The type of a field of this enum. Values are kept by name. */
export function enumValueType<Name extends string>(declared: EnumType<Name>): EnumValueType<Name> {
  const nameByNameOrNumber = new Map<unknown, Name>();
  for (const { name, number } of declared.values) nameByNameOrNumber.set(name, name).set(number, name);
  const zero = declared.values[0]?.name;
  const names = declared.values.map(({ name }) => name).join(", ");
  return {
    kind: "enum",
    enumType: declared,
    read(input, reading) {
      const name = nameByNameOrNumber.get(input);
      return name ?? reading.report(`must be one of ${names}${quotedIfShort(input)}`);
    },
    fromText: (text) => (/^-?\d{1,10}$/.test(text) ? Number(text) : text),
    isEmpty: (value) => value === zero,
  };
}

function quotedIfShort(input: unknown): string {
  return typeof input === "string" ? `, not ${JSON.stringify(input.slice(0, MAX_QUOTED_CHARACTERS))}` : "";
}
