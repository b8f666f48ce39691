// Keys of maps: in JSON they are strings, whatever their type.
import {
  fixed32Type,
  fixed64Type,
  int32Type,
  int64Type,
  sfixed32Type,
  sfixed64Type,
  sint32Type,
  sint64Type,
  uint32Type,
  uint64Type,
} from "./integers";
import type { MapKeyName } from "./declaration";
import type { Reading } from "./reading";
import { stringType } from "./scalars";

const keyTypes = {
  string: stringType,
  bool: {
    read: (text: unknown, reading: Reading) =>
      text === "true" || text === "false" ? text : reading.report('must be "true" or "false"'),
  },
  int32: int32Type,
  sint32: sint32Type,
  sfixed32: sfixed32Type,
  uint32: uint32Type,
  fixed32: fixed32Type,
  int64: int64Type,
  sint64: sint64Type,
  sfixed64: sfixed64Type,
  uint64: uint64Type,
  fixed64: fixed64Type,
} as const satisfies Record<MapKeyName, { read(input: unknown, reading: Reading): unknown }>;

/** The canonical form of a key: `"1e1"` → `"10"` for an integer; undefined if an issue was reported at the key. */
export function readMapKey(keyType: MapKeyName, text: string, reading: Reading): string | undefined {
  const key = reading.readAt<string | number>(text, text, keyTypes[keyType]);
  return key === undefined ? undefined : String(key);
}
