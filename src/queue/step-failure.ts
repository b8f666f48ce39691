// The error of a step, in the form that is stored for a replay of the same attempt, and its restoration.
import { MAX_STORED_ERROR_CHARACTERS, MAX_STORED_ERROR_MESSAGE_CHARACTERS } from "../limits";
import { boundedStatus, textCut } from "../method/bounded-status";
import { jsonText } from "../method/json-text";
import type { StoredError } from "../lifecycle/record";
import type { Any, Json, JsonObject } from "../rpc/any";
import { codeNameFromNumber } from "../rpc/code";
import { RpcError } from "../rpc/error";
import { RpcError as OwnRpcError } from "../rpc/own-error";
import { thrownText } from "./thrown";

/** At most {@link MAX_STORED_ERROR_CHARACTERS} of JSON; `isShort`: the message alone. Never throws. */
export function storedFromThrown(thrown: unknown, { isShort = false } = {}): StoredError {
  const brief: StoredError = {
    type: "error",
    name: textCut(nameOf(thrown), MAX_NAME_CHARACTERS),
    message: textCut(messageOf(thrown), isShort ? MAX_NAME_CHARACTERS : MAX_STORED_ERROR_MESSAGE_CHARACTERS),
  };
  if (isShort) return brief;
  try {
    const whole = wholeFromThrown(thrown, brief);
    return JSON.stringify(whole).length <= MAX_STORED_ERROR_CHARACTERS ? whole : brief;
  } catch {
    // A getter or a Proxy's trap that throws: what could be read is kept.
    return brief;
  }
}

const MAX_NAME_CHARACTERS = 100;

function wholeFromThrown(thrown: unknown, brief: StoredError & { type: "error" }): StoredError {
  if (thrown instanceof RpcError) {
    const { code, message, details = [] } = boundedStatus(thrown.toStatus());
    return { type: "RpcError", code: codeNameFromNumber(code) ?? "UNKNOWN", message, reason: thrown.reason, details };
  }
  if (typeof thrown !== "object" || thrown === null || !isError(thrown)) {
    return {
      type: "value",
      ...(thrown === undefined ? {} : { value: JSON.parse(jsonText("thrown", thrown)) as Json }),
    };
  }
  const fields: JsonObject = {};
  for (const [key, value] of Object.entries(thrown)) {
    if (!OWN_PLACE.has(key) && value !== undefined && typeof value !== "function") fields[key] = jsonOf(value);
  }
  return {
    ...brief,
    ...(thrown instanceof DOMException ? { isDomException: true } : {}),
    ...(Object.keys(fields).length > 0 ? { fields } : {}),
    ...("cause" in thrown && thrown.cause !== undefined ? { cause: storedFromThrown(thrown.cause) } : {}),
  };
}

const OWN_PLACE: ReadonlySet<string> = new Set(["name", "message", "stack", "cause"]);

function jsonOf(value: unknown): Json {
  try {
    return JSON.parse(jsonText("field", value)) as Json;
  } catch {
    // No JSON: its text has to do.
    return thrownText(value);
  }
}

function isError(thrown: object): boolean {
  return thrown instanceof Error || Object.prototype.toString.call(thrown) === "[object Error]";
}

function nameOf(thrown: unknown): string {
  try {
    const { name } = thrown as { name?: unknown };
    return typeof name === "string" ? name : "Error";
  } catch {
    // undefined, null, or a getter that throws.
    return "Error";
  }
}

function messageOf(thrown: unknown): string {
  try {
    const { message } = thrown as { message?: unknown };
    if (typeof message === "string") return message;
  } catch {
    // undefined, null, or a getter that throws: told as what it is.
  }
  return thrownText(thrown);
}

type ErrorConstructorLike = new (message: string, options?: ErrorOptions) => Error;

const BUILT_IN_ERRORS: ReadonlyMap<string, ErrorConstructorLike> = new Map(
  [Error, TypeError, RangeError, SyntaxError, ReferenceError, URIError, EvalError].map((type) => [type.name, type]),
);

/** The error that a replay throws in place of the one that the step `name` threw. */
export function thrownFromStored(stored: StoredError): unknown {
  switch (stored.type) {
    case "RpcError": {
      const { code, message, reason, details } = stored;
      return new OwnRpcError(code, message, { reason, details: details as Any[] });
    }
    case "value":
      return stored.value;
    case "error": {
      const { name, message, fields, cause, isDomException } = stored;
      if (isDomException) return new DOMException(message, name);
      const options = cause === undefined ? undefined : { cause: thrownFromStored(cause) };
      const error = new (BUILT_IN_ERRORS.get(name) ?? Error)(message, options);
      if (error.name !== name)
        Object.defineProperty(error, "name", { value: name, configurable: true, writable: true });
      return Object.assign(error, fields);
    }
    default:
      return stored satisfies never;
  }
}
