// Decoding google.protobuf.Any and google.rpc.Status from JSON: every problem is a violation of its own.
import { type Any, type Json, type JsonObject, STRUCT_TYPE_URL, standsUnderValue } from "./any";
import { type CodeNumber, codeNameFromNumber } from "./code";
import { RpcError, invalidArgument } from "./error";
import type { FieldViolation, Status } from "./status";

/** Collects violations, each under the path of its field. */
export class Violations {
  readonly #list: FieldViolation[] = [];

  /** Notes one; gives undefined, so that a decoder may return it. */
  add(field: string, description: string): undefined {
    this.#list.push({ field, description });
  }

  /** Throws INVALID_ARGUMENT if there are any. */
  throwIfAny(): void {
    const [first, ...more] = this.#list;
    if (first) throw invalidArgument([first, ...more]);
  }
}

export function isJsonObject(json: Json | undefined): json is JsonObject {
  return json !== null && typeof json === "object" && !Array.isArray(json);
}

// "The last segment of the URL's path must represent the fully qualified name of the type" (any.proto).
const TYPE_URL = /^[^\s]*\/((?:[a-zA-Z_]\w*\.)*[a-zA-Z_]\w*)$/;

/** An Any: an object whose `@type` is a type URL, in the form that its type has in an Any: clients fail on any other. */
export function decodeAny(json: Json, field: string, violations: Violations): Any | undefined {
  if (!isJsonObject(json)) return violations.add(field, 'must be a google.protobuf.Any, an object with "@type"');
  const type = json["@type"];
  const messageName = typeof type === "string" ? TYPE_URL.exec(type)?.[1] : undefined;
  if (typeof type !== "string" || messageName === undefined) {
    return violations.add(`${field}.@type`, 'must be a type URL, like "type.googleapis.com/google.protobuf.Struct"');
  }
  if (standsUnderValue(messageName)) {
    if (Object.keys(json).some((key) => key !== "@type" && key !== "value")) {
      return violations.add(field, `must have "@type" and "value" alone: it is a ${messageName}`);
    }
    if (json["value"] === undefined || (type === STRUCT_TYPE_URL && !isJsonObject(json["value"]))) {
      return violations.add(`${field}.value`, `must be the JSON form of a ${messageName}`);
    }
  }
  return { ...json, "@type": type };
}

/** A Status that is an error: its code is 1 to 16, and no two details are of one type. */
export function decodeStatus(json: Json, field: string, violations: Violations): Status | undefined {
  if (!isJsonObject(json)) return violations.add(field, "must be a google.rpc.Status");
  const { code, message, details, ...unknown } = json;
  for (const key of Object.keys(unknown)) {
    violations.add(`${field}.${key}`, "unknown field; a Status has code, message and details");
  }
  if (message !== undefined && message !== null && typeof message !== "string") {
    violations.add(`${field}.message`, "must be a string");
  }
  if (typeof code !== "number" || codeNameFromNumber(code) === undefined) {
    return violations.add(`${field}.code`, "must be a google.rpc.Code number from 1 to 16");
  }
  return {
    code: code as CodeNumber,
    message: typeof message === "string" ? message : "",
    details: decodeDetails(details ?? [], `${field}.details`, violations),
  };
}

function decodeDetails(json: Json, field: string, violations: Violations): Any[] {
  if (!Array.isArray(json)) {
    violations.add(field, "must be a list of google.protobuf.Any");
    return [];
  }
  const types = new Set<string>();
  return json.flatMap((detail, index) => {
    const any = decodeAny(detail, `${field}[${index}]`, violations);
    if (!any) return [];
    if (types.has(any["@type"])) violations.add(`${field}[${index}]`, `a second detail of the type ${any["@type"]}`);
    types.add(any["@type"]);
    return [any];
  });
}

/** The error whose Status this is. */
export function rpcErrorFromStatus({ code, message, details }: Status): RpcError {
  return new RpcError(codeNameFromNumber(code) ?? "UNKNOWN", message, { details });
}
