// Whether JSON is what a JSON Schema (2020-12) describes, in as far as a schema of an answer says it: types, properties, items,
// bounds, alternatives. Keywords that are not here describe nothing: the method's own schema judges the answer as well.
import { MAX_FIELD_VIOLATIONS } from "../limits";
import { fieldPathText } from "../protobuf/field-path";
import { type Json, type JsonObject, isJsonObject } from "../rpc/any";
import type { FieldViolation } from "../rpc/status";

type Path = readonly (string | number)[];

/** References within references: a schema that refers to itself describes nothing further. */
const MAX_DEPTH = 200;

/** The parts of `value` that are not as `schema` says; `path` leads to the value. */
export function schemaViolations(schema: JsonObject, value: Json, path: Path): FieldViolation[] {
  const check = new Check(schema);
  check.value(schema, value, path, 0);
  return check.violations;
}

class Check {
  readonly violations: FieldViolation[] = [];
  readonly #root: JsonObject;

  constructor(root: JsonObject) {
    this.#root = root;
  }

  #report(path: Path, description: string): void {
    if (this.violations.length < MAX_FIELD_VIOLATIONS)
      this.violations.push({ field: fieldPathText(path), description });
  }

  value(schema: Json | undefined, value: Json, path: Path, depth: number): void {
    if (schema === false) return this.#report(path, "is not allowed");
    if (schema === undefined || !isJsonObject(schema) || depth > MAX_DEPTH) return;
    const type = wrongType(schema["type"], value);
    if (type !== undefined) return this.#report(path, `must be ${type}, not ${kindOf(value)}`);
    this.#choices(schema, value, path);
    if (typeof value === "string") this.#string(schema, value, path);
    else if (typeof value === "number") this.#number(schema, value, path);
    else if (Array.isArray(value)) this.#list(schema, value, path, depth);
    else if (isJsonObject(value)) this.#object(schema, value, path, depth);
    this.#combined(schema, value, path, depth);
  }

  #choices(schema: JsonObject, value: Json, path: Path): void {
    const { enum: choices, const: only } = schema;
    const text = JSON.stringify(value);
    if (Array.isArray(choices) && !choices.some((choice) => JSON.stringify(choice) === text))
      this.#report(path, `must be one of ${choices.map((choice) => JSON.stringify(choice)).join(", ")}`);
    if (only !== undefined && JSON.stringify(only) !== text) this.#report(path, `must be ${JSON.stringify(only)}`);
  }

  #string({ minLength, maxLength, pattern }: JsonObject, value: string, path: Path): void {
    const length = Array.from(value).length;
    if (typeof minLength === "number" && length < minLength)
      this.#report(path, `must have at least ${minLength} characters`);
    if (typeof maxLength === "number" && length > maxLength)
      this.#report(path, `must have at most ${maxLength} characters`);
    if (typeof pattern === "string" && regexp(pattern)?.test(value) === false)
      this.#report(path, `must match ${pattern}`);
  }

  #number(schema: JsonObject, value: number, path: Path): void {
    const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
    if (typeof minimum === "number" && value < minimum) this.#report(path, `must be at least ${minimum}`);
    if (typeof maximum === "number" && value > maximum) this.#report(path, `must be at most ${maximum}`);
    if (typeof exclusiveMinimum === "number" && value <= exclusiveMinimum)
      this.#report(path, `must be more than ${exclusiveMinimum}`);
    if (typeof exclusiveMaximum === "number" && value >= exclusiveMaximum)
      this.#report(path, `must be less than ${exclusiveMaximum}`);
  }

  #list({ items, prefixItems, minItems, maxItems }: JsonObject, value: Json[], path: Path, depth: number): void {
    if (typeof minItems === "number" && value.length < minItems)
      this.#report(path, `must have at least ${minItems} items`);
    if (typeof maxItems === "number" && value.length > maxItems)
      this.#report(path, `must have at most ${maxItems} items`);
    const first = Array.isArray(prefixItems) ? prefixItems : [];
    for (const [index, item] of value.entries()) this.value(first[index] ?? items, item, [...path, index], depth + 1);
  }

  #object(schema: JsonObject, value: JsonObject, path: Path, depth: number): void {
    const { properties, required, additionalProperties, patternProperties } = schema;
    const declared = isJsonObject(properties) ? properties : {};
    const patterns = Object.keys(isJsonObject(patternProperties) ? patternProperties : {});
    for (const name of Array.isArray(required) ? required : [])
      if (typeof name === "string" && !Object.hasOwn(value, name)) this.#report([...path, name], "is required");
    for (const [name, member] of Object.entries(value)) {
      const at = [...path, name];
      if (Object.hasOwn(declared, name)) this.value(declared[name], member, at, depth + 1);
      else if (patterns.some((pattern) => regexp(pattern)?.test(name) ?? true)) continue;
      else if (additionalProperties === false) this.#report(at, "unknown field");
      else this.value(additionalProperties, member, at, depth + 1);
    }
  }

  #combined({ allOf, anyOf, oneOf, $ref }: JsonObject, value: Json, path: Path, depth: number): void {
    for (const part of Array.isArray(allOf) ? allOf : []) this.value(part, value, path, depth + 1);
    if (typeof $ref === "string") this.value(this.#referred($ref), value, path, depth + 1);
    for (const parts of [anyOf, oneOf]) {
      if (!Array.isArray(parts)) continue;
      const reports = parts.map((part) => this.#apart(part, value, path, depth));
      if (reports.every((violations) => violations.length > 0)) this.#report(path, alternatives(reports));
    }
  }

  #apart(schema: Json, value: Json, path: Path, depth: number): FieldViolation[] {
    const check = new Check(this.#root);
    check.value(schema, value, path, depth + 1);
    return check.violations;
  }

  /** `#/$defs/Name`; any other reference describes nothing. */
  #referred(reference: string): Json | undefined {
    if (!reference.startsWith("#")) return undefined;
    let found: Json | undefined = this.#root;
    for (const name of reference.split("/").slice(1)) {
      const key = decodeURIComponent(name).replaceAll("~1", "/").replaceAll("~0", "~");
      found = found !== undefined && isJsonObject(found) && Object.hasOwn(found, key) ? found[key] : undefined;
    }
    return found;
  }
}

function alternatives(reports: readonly FieldViolation[][]): string {
  const texts = new Set(reports.map(([first]) => first?.description ?? ""));
  return texts.size === 1 ? [...texts].join("") : `matches no alternative: ${[...texts].join("; ")}`;
}

function kindOf(value: Json): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

/** The types that it must be of; undefined: it is of one of them. */
function wrongType(type: Json | undefined, value: Json): string | undefined {
  const types = Array.isArray(type) ? type : type === undefined ? [] : [type];
  const kind = kindOf(value);
  const fits = types.some((one) => one === kind || (one === "integer" && Number.isInteger(value)));
  return types.length === 0 || fits ? undefined : types.map(String).join(" or ");
}

/** undefined: it is no expression of this runtime. */
function regexp(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern, "u");
  } catch {
    // A pattern in another dialect describes nothing here.
    return undefined;
  }
}
