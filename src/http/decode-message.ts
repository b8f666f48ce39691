// Decodes JSON by the message that declares it, with a violation for each field that is wrong.
import { MAX_JSON_DEPTH } from "../limits";
import { violationsFromIssues } from "../method/request-schema";
import type { Message } from "../protobuf/declaration";
import { Reading } from "../protobuf/reading";
import type { JsonObject } from "../rpc/any";
import { invalidArgument } from "../rpc/error";

/** Decodes a message. If the body is one field of it, violations are named as in that body, and the body may be one level deeper. */
export function decodeMessage<T extends object>(message: Message<T>, json: JsonObject, bodyRule = "*"): T {
  const reading = new Reading("decode", bodyRule === "*" ? MAX_JSON_DEPTH : MAX_JSON_DEPTH + 1);
  const value = message.read(json, reading);
  if (value !== undefined && reading.issues.length === 0) return value;
  const issues = reading.issues.map(({ message: problem, path }) => ({
    message: problem,
    path: path[0] === bodyRule ? path.slice(1) : path,
  }));
  throw invalidArgument(violationsFromIssues(issues));
}
