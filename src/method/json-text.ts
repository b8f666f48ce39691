// The JSON text of a value that a handler gives, or an error that says which part of the value is no JSON.
import { MAX_JSON_DEPTH, MAX_RESPONSE_BYTES } from "../limits";
import type { Json } from "../rpc/any";
import { misuse } from "./misuse";

const WHAT_JSON_IS =
  "Return JSON: plain objects, arrays, strings, finite numbers, booleans and null; write a bigint as a string, a Map as an object.";

/** Values of a tree that are looked at: a larger one cannot be written within {@link MAX_RESPONSE_BYTES}. */
const MAX_VALUES = MAX_RESPONSE_BYTES / 2;

export interface JsonTextOptions {
  /** Whether NaN and Infinity become null, as JSON.stringify has it. */
  allowsNonFinite?: boolean;
}

/**
 * The JSON text of `value`. As with JSON.stringify, `toJSON` is followed, an undefined property is left out, and an undefined
 * element of an array is null. All else that JSON.stringify would lose or change in silence is rejected.
 *
 * @throws RpcError INTERNAL, which is not retried. Its message begins with `where` and names the part.
 */
export function jsonText(where: string, value: unknown, options: JsonTextOptions = {}): string {
  let found: Problem | undefined;
  let text: string | undefined;
  try {
    found = new Walk(options).problemOf(value, 0);
    if (!found) text = JSON.stringify(value);
  } catch (error) {
    // A getter, a toJSON or a Proxy's trap that throws.
    throw misuse(`${where}: it could not be written as JSON, because reading it throws. ${WHAT_JSON_IS}`, error);
  }
  if (found) throw misuse(`${where}: ${pathOf(found)} ${found.is}. ${WHAT_JSON_IS}`);
  if (text === undefined) throw misuse(`${where}: it is ${kindOf(value)}, of which JSON has nothing. ${WHAT_JSON_IS}`);
  return withoutLoneSurrogates(text);
}

interface Problem {
  /** From the part up to the whole, each as it is written after the one that holds it. */
  path: string[];
  /** Continues a sentence that begins with the path: `is a bigint`. */
  is: string;
}

class Walk {
  readonly #allowsNonFinite: boolean;
  #count = 0;

  constructor({ allowsNonFinite = false }: JsonTextOptions) {
    this.#allowsNonFinite = allowsNonFinite;
  }

  problemOf(value: unknown, depth: number): Problem | undefined {
    switch (typeof value) {
      case "number":
        return this.#allowsNonFinite || Number.isFinite(value) ? undefined : problem(`is ${value}`);
      case "bigint":
        return "toJSON" in BigInt.prototype ? undefined : problem("is a bigint");
      case "function":
      case "symbol":
        return problem(`is a ${typeof value}`);
      case "object":
        return value === null ? undefined : this.#problemOfObject(value, depth);
      default:
        return undefined;
    }
  }

  #problemOfObject(value: object, depth: number): Problem | undefined {
    if (ArrayBuffer.isView(value)) return problem(`is ${kindOf(value)}`);
    if (!("toJSON" in value && typeof value.toJSON === "function")) return this.#problemOfParts(value, depth);
    if (value instanceof Date && Number.isNaN(value.getTime())) return problem("is an invalid Date");
    const json: unknown = (value as { toJSON(key: string): unknown }).toJSON("");
    // The result of a toJSON is written by its parts. Its own toJSON is not called.
    return typeof json === "object" && json !== null ? this.#problemOfParts(json, depth) : this.problemOf(json, depth);
  }

  #problemOfParts(value: object, depth: number): Problem | undefined {
    this.#count += 1;
    if (depth > MAX_JSON_DEPTH) return whole(`has more than ${MAX_JSON_DEPTH} levels, or a part of it contains itself`);
    if (this.#count > MAX_VALUES) return whole(`has more than ${MAX_VALUES} values`);
    if (Array.isArray(value)) {
      for (let index = 0; index < value.length; index += 1) {
        const found = this.problemOf(value[index], depth + 1);
        if (found) return within(found, `[${index}]`);
      }
      return undefined;
    }
    if (!JSON_KINDS.has(tagOf(value))) return problem(`is ${kindOf(value)}`);
    for (const key of Object.keys(value)) {
      const found = this.problemOf((value as Record<string, unknown>)[key], depth + 1);
      if (found)
        return within(found, /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key.slice(0, 64))}]`);
    }
    return undefined;
  }
}

function problem(is: string): Problem {
  return { path: [], is };
}

/** A problem that is not of one part alone. */
function whole(is: string): Problem {
  return { path: ["(whole)"], is };
}

function within(found: Problem, part: string): Problem {
  if (found.path[0] !== "(whole)") found.path.push(part);
  return found;
}

function pathOf({ path }: Problem): string {
  if (path.length === 0 || path[0] === "(whole)") return "it";
  return path.toReversed().join("").replace(/^\./, "");
}

/**
 * The Object.prototype.toString of objects that JSON.stringify writes whole. A class of the handler's own is an Object.
 */
const JSON_KINDS: ReadonlySet<string> = new Set(["Object", "String", "Number", "Boolean"]);

function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

function kindOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return value === undefined ? "undefined" : `a ${typeof value}`;
  const tag = Array.isArray(value) ? "array" : tagOf(value);
  if (tag === "Promise") return "a Promise: await it";
  if (tag === "Object") return "an object whose toJSON gives nothing";
  return /^[AEIOU]/i.test(tag) ? `an ${tag}` : `a ${tag}`;
}

/** Half of a surrogate pair alone is no Unicode: Go's and Java's JSON parsers reject the text that has one. */
function withoutLoneSurrogates(text: string): string {
  if (!/\\ud[89a-f]/i.test(text)) return text;
  return JSON.stringify(wellFormed(JSON.parse(text) as Json));
}

function wellFormed(json: Json): Json {
  if (typeof json === "string") return json.toWellFormed();
  if (typeof json !== "object" || json === null) return json;
  if (Array.isArray(json)) return json.map(wellFormed);
  return Object.fromEntries(Object.entries(json).map(([key, value]) => [key.toWellFormed(), wellFormed(value)]));
}
