// An error that a handler threw, as text and as fields of a log line.
import {
  MAX_LOGGED_CAUSES,
  MAX_LOGGED_ERRORS,
  MAX_LOGGED_ERROR_FIELDS,
  MAX_LOGGED_FIELD_CHARACTERS,
  MAX_LOGGED_STACK_CHARACTERS,
  MAX_LOGGED_TEXT_CHARACTERS,
} from "../limits";
import { textCut } from "../method/bounded-status";
import { jsonText } from "../method/json-text";
import type { Json, JsonObject } from "../rpc/any";

/** A line for people: `TypeError: x is not a function`, `quota used up (code E_QUOTA)`. Never throws. */
export function thrownText(thrown: unknown): string {
  if (!isObject(thrown)) return textCut(plainText(thrown), MAX_LOGGED_TEXT_CHARACTERS);
  const message = textOf(thrown, "message");
  if (message === undefined) return textCut(objectText(thrown), MAX_LOGGED_TEXT_CHARACTERS);
  const name = textOf(thrown, "name");
  const code = read(thrown, "code");
  const tail = name === undefined && (typeof code === "string" || typeof code === "number") ? ` (code ${code})` : "";
  return textCut(`${name === undefined ? "" : `${name}: `}${message}${tail}`, MAX_LOGGED_TEXT_CHARACTERS);
}

/**
 * The fields of a log line about what was thrown: `error` (with its stack, where there is one), its own fields, the chain of
 * its causes, and the errors of an AggregateError. All are bounded, and JSON. Never throws.
 */
export function thrownFields(thrown: unknown): { error: string } & JsonObject {
  return described(thrown, { depth: 0, seen: new Set() });
}

interface Place {
  depth: number;
  seen: Set<object>;
}

function described(thrown: unknown, { depth, seen }: Place): { error: string } & JsonObject {
  if (!isObject(thrown)) return { error: thrownText(thrown) };
  if (seen.has(thrown)) return { error: "(the same error again)" };
  if (seen.size >= MAX_LOGGED_ERRORS) return { error: "(more errors)" };
  seen.add(thrown);
  const text = thrownText(thrown);
  const stack = textOf(thrown, "stack");
  const description: { error: string } & JsonObject = {
    error:
      stack === undefined
        ? text
        : textCut(stack.includes(text) ? stack : `${text}\n${stack}`, MAX_LOGGED_STACK_CHARACTERS),
  };
  const fields = ownFields(thrown);
  if (Object.keys(fields).length > 0) description["fields"] = fields;
  if (depth >= MAX_LOGGED_CAUSES) return description;
  const cause = read(thrown, "cause");
  if (cause !== undefined) description["cause"] = described(cause, { depth: depth + 1, seen });
  const errors = listOf(thrown, "errors");
  if (errors.length > 0) description["errors"] = errors.map((error) => described(error, { depth: depth + 1, seen }));
  return description;
}

const TOLD_APART: ReadonlySet<string> = new Set(["name", "message", "stack", "cause", "errors"]);

function ownFields(thrown: object): JsonObject {
  const fields: JsonObject = {};
  for (const key of keysOf(thrown)) {
    const value = TOLD_APART.has(key) ? undefined : read(thrown, key);
    if (value === undefined || typeof value === "function") continue;
    fields[key] = fieldJson(value);
    if (Object.keys(fields).length === MAX_LOGGED_ERROR_FIELDS) break;
  }
  return fields;
}

function fieldJson(value: unknown): Json {
  if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
  if (typeof value === "string") return textCut(value, MAX_LOGGED_FIELD_CHARACTERS);
  if (!isObject(value)) return textCut(plainText(value), MAX_LOGGED_FIELD_CHARACTERS);
  return textCut(objectText(value), MAX_LOGGED_FIELD_CHARACTERS);
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function plainText(value: unknown): string {
  return typeof value === "string" ? value : String(value);
}

/** The JSON of an object, or what kind of object it is. */
function objectText(value: object): string {
  try {
    return jsonText("", value, { allowsNonFinite: true });
  } catch {
    // No JSON: its kind has to do.
    return kindText(value);
  }
}

function kindText(value: object): string {
  try {
    return Object.prototype.toString.call(value);
  } catch {
    // A Proxy whose traps throw.
    return "[an object that cannot be read]";
  }
}

/** Reading a property may run a getter or a Proxy's trap, and throw: such a property counts as absent. */
function read(value: object, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

function textOf(value: object, key: string): string | undefined {
  const text = read(value, key);
  return typeof text === "string" ? text : undefined;
}

function keysOf(value: object): string[] {
  try {
    return Object.keys(value).slice(0, 2 * MAX_LOGGED_ERROR_FIELDS);
  } catch {
    return [];
  }
}

function listOf(value: object, key: string): unknown[] {
  try {
    const list = (value as Record<string, unknown>)[key];
    return Array.isArray(list) ? list.slice(0, MAX_LOGGED_ERRORS) : [];
  } catch {
    return [];
  }
}
