// The values of a row's metadata and response: each path is walked once and each text parsed once, however many terms.
import { type Duration, parseDuration } from "../duration";
import { type Timestamp, parseTimestamp } from "../timestamp";
import { type Json, type JsonObject, STRUCT_TYPE_URL, isJsonObject } from "../../rpc/any";
import type { JsonPath } from "./checked";
import type { JsonField } from "./fields";
import type { FilterRow } from "./filter-row";
import { int64FromString } from "./literal";
import type { Pattern } from "./wildcard";
import { FIELD_COST, LOOK_COST, PARSE_COST, type Work, containedCost, patternCost } from "./work";

type Keys = JsonPath[number];

export class Value {
  readonly json: Json;
  readonly #work: Work;
  #elements: readonly Value[] | undefined;
  /** null: not parsed yet. */
  #integer: bigint | null | undefined = null;
  #timestamp: Timestamp | null | undefined = null;
  #duration: Duration | null | undefined = null;

  constructor(json: Json, work: Work) {
    this.json = json;
    this.#work = work;
    work.spend(LOOK_COST);
  }

  look(): void {
    this.#work.spend(LOOK_COST);
  }

  lookWith(pattern: Pattern, text: string): void {
    this.#work.spend(patternCost(text, pattern));
  }

  search(contained: Pattern, text: string): void {
    this.#work.spend(containedCost(text, contained));
  }

  get isObject(): boolean {
    return isJsonObject(this.json);
  }

  /** Of a list; undefined for any other value. */
  get elements(): readonly Value[] | undefined {
    const { json } = this;
    if (!Array.isArray(json)) return undefined;
    this.#elements ??= json.map((element) => new Value(element, this.#work));
    return this.#elements;
  }

  /** The fields of an object under any of the spellings, as far as they are set. */
  fieldsNamed(keys: Keys): Value[] {
    const { json } = this;
    this.#work.spend(LOOK_COST * keys.length);
    if (!isJsonObject(json)) return [];
    return keys.flatMap((key) => {
      const field = Object.hasOwn(json, key) ? json[key] : undefined;
      return field !== undefined && this.#isSet(field) ? [new Value(field, this.#work)] : [];
    });
  }

  /** "For map and repeated fields, there is no semantic difference between an unset field and 'set with empty value'." */
  #isSet(value: Json): boolean {
    if (!isJsonObject(value)) return Array.isArray(value) ? value.length > 0 : value !== null;
    const fields = Object.keys(value).length;
    this.#work.spend(FIELD_COST * fields);
    return fields > 0;
  }

  get integer(): bigint | undefined {
    if (this.#integer === null) this.#integer = this.#parsed(int64FromString);
    return this.#integer;
  }

  get timestamp(): Timestamp | undefined {
    if (this.#timestamp === null) this.#timestamp = this.#parsed(parseTimestamp);
    return this.#timestamp;
  }

  get duration(): Duration | undefined {
    if (this.#duration === null) this.#duration = this.#parsed(parseDuration);
    return this.#duration;
  }

  #parsed<T>(parse: (text: string) => T | undefined): T | undefined {
    this.#work.spend(PARSE_COST);
    return typeof this.json === "string" ? parse(this.json) : undefined;
  }
}

export class RowValues {
  readonly #row: FilterRow;
  readonly #work: Work;
  readonly #roots = new Map<JsonField, Value>();
  readonly #reached = new Map<string, readonly Value[]>();

  constructor(row: FilterRow, work: Work) {
    this.#row = row;
    this.#work = work;
  }

  /** Whether the value is set, and stands in the row whole. */
  isKnown(field: JsonField): boolean {
    if (field === "labels") return this.#row.labels !== undefined || this.isKnown("metadata");
    const isTruncated = field === "metadata" ? this.#row.metadataTruncated : this.#row.responseTruncated;
    return !isTruncated && this.#row[field] !== undefined;
  }

  /** The values at a path: several only where an object holds both spellings of a key. Lists are not traversed. */
  at(field: JsonField, path: JsonPath): readonly Value[] {
    return this.#remembered(`${field} = ${keyOf(path)}`, () =>
      path.reduce<Value[]>((values, keys) => values.flatMap((value) => value.fieldsNamed(keys)), [this.#root(field)]),
    );
  }

  /** The values at a path, of any element where a list stands on the way: for `:` alone. */
  throughLists(field: JsonField, path: JsonPath): readonly Value[] {
    return this.#remembered(`${field} : ${keyOf(path)}`, () =>
      path.reduce<Value[]>(
        (values, keys) =>
          values.flatMap((value) => value.elements ?? [value]).flatMap((value) => value.fieldsNamed(keys)),
        [this.#root(field)],
      ),
    );
  }

  #remembered(key: string, reach: () => Value[]): readonly Value[] {
    const reached = this.#reached.get(key) ?? reach();
    this.#reached.set(key, reached);
    return reached;
  }

  #root(field: JsonField): Value {
    const known = this.#roots.get(field);
    if (known) return known;
    const root = new Value(this.#rootJson(field), this.#work);
    this.#roots.set(field, root);
    return root;
  }

  /** The object that paths lead into from; labels are a field of theirs, as they are of metadata. */
  #rootJson(field: JsonField): JsonObject {
    const { labels } = this.#row;
    if (field !== "labels") return fieldsOfAny(this.#row[field] ?? {});
    return labels === undefined ? fieldsOfAny(this.#row.metadata ?? {}) : { labels: { ...labels } };
  }
}

const pathKeys = new WeakMap<JsonPath, string>();

/** The same for the same path. */
function keyOf(path: JsonPath): string {
  const key = pathKeys.get(path) ?? JSON.stringify(path);
  pathKeys.set(path, key);
  return key;
}

/** An Any's fields; a Struct's stand under `value`. */
function fieldsOfAny(any: JsonObject): JsonObject {
  if (any["@type"] !== STRUCT_TYPE_URL) return any;
  const { value } = any;
  return isJsonObject(value) ? value : {};
}
