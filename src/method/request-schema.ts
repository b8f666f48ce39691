// Request decoding: whatever makes a method's request of JSON, and its failures as BadRequest violations (AIP-193).
import { MAX_FIELD_VIOLATIONS, MAX_STATUS_MESSAGE_CHARACTERS } from "../limits";
import { fieldPathText } from "../protobuf/field-path";
import type { StandardIssue, StandardSchemaV1 } from "../protobuf/standard-schema";
import type { JsonObject } from "../rpc/any";
import { RpcError, invalidArgument } from "../rpc/error";
import type { FieldViolation } from "../rpc/status";

/** Makes a request of JSON, or throws: `invalidArgument([...])`, or the error of a schema library's `parse`. */
type RequestDecoder<T> = (json: JsonObject) => T | Promise<T>;

/** A decoder, or a Standard Schema: a declared message, or one of zod, valibot, ArkType and others. */
export type RequestSchema<T, Input = unknown> = RequestDecoder<T> | StandardSchemaV1<Input, T>;

export type InferRequest<S> =
  S extends StandardSchemaV1<unknown, infer T> ? T : S extends (json: JsonObject) => infer T ? Awaited<T> : never;

/**
 * Decodes a request.
 * @throws RpcError INVALID_ARGUMENT with one field violation for each problem, at most {@link MAX_FIELD_VIOLATIONS}. An
 * RpcError that the decoder throws is thrown on as it is. The text of another thrown error stays in `cause`, for the
 * log, because it was written for the decoder's author and may quote secrets.
 */
export async function decodeRequest<T>(schema: RequestSchema<T>, json: JsonObject): Promise<T> {
  let issues: readonly VendorIssue[];
  try {
    // ArkType's schemas are functions too.
    if (!isStandardSchema(schema)) return await schema(json);
    const result = await schema["~standard"].validate(json);
    if (result.issues === undefined) return result.value;
    issues = result.issues;
  } catch (thrown) {
    if (thrown instanceof RpcError) throw thrown;
    throw invalidArgument(violationsFromIssues(issuesOf(thrown)), { cause: thrown });
  }
  throw invalidArgument(violationsFromIssues(issues));
}

function isStandardSchema<T>(schema: RequestSchema<T>): schema is StandardSchemaV1<unknown, T> {
  return "~standard" in schema;
}

/** zod's issue of unknown fields is one for all of an object's, and names them in `keys`. */
interface VendorIssue extends StandardIssue {
  readonly code?: unknown;
  readonly keys?: unknown;
}

/** The issues of what `parse` threw: zod's and valibot's errors carry the same as a Standard Schema's result. */
function issuesOf(thrown: unknown): readonly VendorIssue[] {
  if (!(thrown instanceof Error) || !("issues" in thrown) || !Array.isArray(thrown.issues)) return [];
  return thrown.issues.filter(isIssue);
}

function isIssue(issue: unknown): issue is VendorIssue {
  if (typeof issue !== "object" || issue === null) return false;
  if (!("message" in issue) || typeof issue.message !== "string") return false;
  return !("path" in issue) || issue.path === undefined || Array.isArray(issue.path);
}

const UNKNOWN_PROBLEM: FieldViolation = { field: "", description: "The request is not one that this method takes." };

/** Field violations, none twice, at most {@link MAX_FIELD_VIOLATIONS}. */
export function violationsFromIssues(issues: readonly VendorIssue[]): [FieldViolation, ...FieldViolation[]] {
  const violations = new Map<string, FieldViolation>();
  for (const issue of issues) {
    for (const violation of violationsFromIssue(issue)) {
      if (violations.size < MAX_FIELD_VIOLATIONS) violations.set(JSON.stringify(violation), violation);
    }
    if (violations.size >= MAX_FIELD_VIOLATIONS) break;
  }
  const [first = UNKNOWN_PROBLEM, ...more] = violations.values();
  return [first, ...more];
}

function violationsFromIssue({ message, path = [], code, keys }: VendorIssue): FieldViolation[] {
  if (code === "unrecognized_keys" && Array.isArray(keys) && keys.length > 0) {
    return keys
      .slice(0, MAX_FIELD_VIOLATIONS)
      .map((key) => ({ field: fieldPathText([...path, String(key)]), description: "unknown field" }));
  }
  return [{ field: fieldPathText(path), description: message.slice(0, MAX_STATUS_MESSAGE_CHARACTERS) }];
}
