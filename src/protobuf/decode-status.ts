// google.protobuf.Any and google.rpc.Status in a client's JSON: every problem is a violation of its own.
import { type Any, type Json } from "../rpc/any";
import { type CodeNumber, codeNameFromNumber } from "../rpc/code";
import { type Violations, isJsonObject } from "../rpc/decode";
import type { Status } from "../rpc/status";
import { anyType } from "./any-type";
import { fieldPathText } from "./field-path";
import { Reading } from "./reading";

/** An Any in the form in which all common clients read it. */
export function decodeAny(json: Json, field: string, violations: Violations): Any | undefined {
  if (!isJsonObject(json)) return violations.add(field, 'must be a google.protobuf.Any, an object with "@type"');
  const reading = new Reading("decode");
  const any = anyType.read(json, reading);
  for (const { path, message } of reading.issues) violations.add(below(field, path), message);
  return reading.issues.length > 0 ? undefined : any;
}

function below(field: string, path: readonly PropertyKey[]): string {
  const text = fieldPathText(path);
  return text === "" || text.startsWith("[") ? field + text : `${field}.${text}`;
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
  if (typeof message === "string" && !message.isWellFormed()) {
    violations.add(`${field}.message`, "must be well-formed Unicode");
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
