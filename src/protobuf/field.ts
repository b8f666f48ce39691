// The declaration of one field (number, type, label), and the reader of its whole value.
import { isRecord } from "../rpc/any";
import type { Field, FieldOptions, MapKeyName, SingularField, ValueType } from "./declaration";
import { integerTypes } from "./numbers";
import type { Reading } from "./reading";
import { stringType } from "./scalars";

type IsRequired<Options> = Options extends { required: true } ? true : false;

/** Declares a field of one type by its number: `string(1, { required: true })`. */
export type FieldBuilder<T> = <const Options extends FieldOptions = { required?: false }>(
  number: number,
  options?: Options,
) => SingularField<T, IsRequired<Options>>;

/** The type may come from a function: a bundler leaves out a field that is not used only if nothing is read for it. */
export function fieldsOf<T>(type: ValueType<T> | (() => ValueType<T>)): FieldBuilder<T> {
  return <const Options extends FieldOptions>(number: number, options?: Options) =>
    singularField<T, IsRequired<Options>>(typeof type === "function" ? type() : type, number, options ?? {});
}

function singularField<T, Required extends boolean>(
  type: ValueType<T>,
  number: number,
  options: FieldOptions,
): SingularField<T, Required> {
  checkNumber(number);
  return {
    number,
    label: "singular",
    type,
    keyType: undefined,
    required: (options.required ?? false) as Required,
    options,
    read: (input, reading) => type.read(input, reading),
    isEmpty: (value) => type.isEmpty?.(value) ?? false,
  };
}

/** A list: `repeated(string(3))`. */
export function repeated<T, Required extends boolean>(item: SingularField<T, Required>): Field<T[], Required> {
  checkNoPresence(item);
  return {
    ...item,
    label: "repeated",
    read(input, reading) {
      if (!Array.isArray(input)) return reading.report("must be a list");
      const items: T[] = [];
      for (const [index, json] of input.entries()) {
        const value = reading.readAt(index, json, item);
        if (value !== undefined) items.push(value);
        if (reading.isFull) break;
      }
      return items;
    },
    isEmpty: (value) => Array.isArray(value) && value.length === 0,
  };
}

/** A map: `mapOf("string", int64(4))` is `map<string, int64>`. Its keys are kept as strings, as in JSON. */
export function mapOf<T, Required extends boolean>(
  keyType: MapKeyName,
  value: SingularField<T, Required>,
): Field<Record<string, T>, Required> {
  checkNoPresence(value);
  return {
    ...value,
    label: "map",
    keyType,
    read(input, reading) {
      if (!isRecord(input)) return reading.report("must be an object");
      const valueByKey = new Map<string, T>();
      for (const [text, json] of Object.entries(input)) {
        const key = readMapKey(keyType, text, reading);
        if (key !== undefined && valueByKey.has(key)) reading.report("a second value of one key", text);
        const member = json === undefined ? undefined : reading.readAt(text, json, value);
        if (key !== undefined && member !== undefined) valueByKey.set(key, member);
        if (reading.isFull) break;
      }
      return Object.fromEntries(valueByKey);
    },
    isEmpty: (map) => isRecord(map) && Object.keys(map).length === 0,
  };
}

function checkNumber(number: number): void {
  const isOne = Number.isInteger(number) && number >= 1 && number < 2 ** 29;
  // protobuf reserves 19000 to 19999.
  if (isOne && (number < 19_000 || number > 19_999)) return;
  throw new TypeError(`${number} is no field number; take one from 1 to 536870911, but none from 19000 to 19999`);
}

function checkNoPresence({ number, options }: SingularField<unknown>): void {
  if (options.explicitPresence !== true) return;
  throw new TypeError(`field ${number}: a list or map has no explicit presence; take explicitPresence away`);
}

const keyTypes = {
  string: stringType,
  bool: {
    read: (text: unknown, reading: Reading) =>
      text === "true" || text === "false" ? text : reading.report('must be "true" or "false"'),
  },
  ...integerTypes,
} as const satisfies Record<MapKeyName, { read(input: unknown, reading: Reading): unknown }>;

/** The canonical form of a key: `"1e1"` → `"10"` for an integer; undefined if an issue was reported at the key. */
export function readMapKey(keyType: MapKeyName, text: string, reading: Reading): string | undefined {
  const key = reading.readAt<string | number>(text, text, keyTypes[keyType]);
  return key === undefined ? undefined : String(key);
}
