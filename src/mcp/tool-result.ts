// Operations as results of tools: of a response, its fields; of an error, what a model can act on.
import type { Any, Json, JsonObject } from "../rpc/any";
import { isJsonObject, standsUnderValue } from "../rpc/any";
import { codeNameFromNumber } from "../rpc/code";
import type { RpcError } from "../rpc/error";
import type { FieldViolation, Status } from "../rpc/status";
import { McpError } from "./protocol";

/** An Operation, as its JSON has it. */
export interface OperationJson {
  name: string;
  metadata?: Any;
  done: boolean;
  error?: Status;
  response?: Any;
}

/** A CallToolResult. */
export interface ToolResult extends JsonObject {
  content: { type: "text"; text: string }[];
}

export function textResult(text: string, more: JsonObject = {}): ToolResult {
  return { content: [{ type: "text", text }], ...more };
}

export function errorResult(text: string): ToolResult {
  return textResult(text, { isError: true });
}

/**
 * "For backwards compatibility, a tool that returns structured content SHOULD also return the serialized JSON in a
 * TextContent block."
 */
export function structuredResult(json: JsonObject, text = JSON.stringify(json)): ToolResult {
  return textResult(text, { structuredContent: json });
}

const INTERNAL = 13;
export const CANCELLED = 1;

/**
 * The result of a done operation, as the tool call would have had it at once. An internal error is no result: then the
 * call failed.
 */
export function resultOfDone({ error, response }: OperationJson): ToolResult | McpError {
  if (!error) return structuredOrText(valueOf(response));
  if (error.code !== INTERNAL) return errorResult(textOfStatus(error));
  return new McpError("INTERNAL_ERROR", error.message, {
    httpStatus: 500,
    ...(error.details === undefined ? {} : { data: { details: [...error.details] as Json[] } }),
  });
}

function structuredOrText(value: Json): ToolResult {
  return isJsonObject(value)
    ? structuredResult(value)
    : textResult(JSON.stringify(value), { structuredContent: value });
}

/** The fields of a message, without their type; the value of one that has a special JSON form. */
function valueOf(any: Any | undefined): Json {
  if (!any) return {};
  const { "@type": type, ...fields } = any;
  return standsUnderValue(type.slice(type.lastIndexOf("/") + 1)) ? (fields["value"] ?? null) : fields;
}

function textOfStatus({ code, message, details = [] }: Status): string {
  const name = codeNameFromNumber(code) ?? `code ${code}`;
  return [`${name}: ${message}`, ...(details.length > 0 ? [JSON.stringify(details)] : [])].join("\n");
}

/** An error that prevented a start, with each violation, so that a model can mend its call. */
export function refusedResult({ code, message, details }: RpcError): ToolResult {
  const lines = details.flatMap(({ fieldViolations }) =>
    (Array.isArray(fieldViolations) ? (fieldViolations as unknown as FieldViolation[]) : []).map(
      ({ field, description }) => `- ${field === "" ? "" : `${field}: `}${description}`,
    ),
  );
  return errorResult([`${code}: ${message}`, ...lines].join("\n"));
}

/** A running operation, for a client without tasks. */
export function runningResult(operation: OperationJson): ToolResult {
  const { name } = operation;
  const text = `The work is not done yet. Call the tool wait_operation with {"name":${JSON.stringify(name)}} for its result, or cancel_operation to stop it.`;
  return operationResult(operation, text);
}

export function operationResult(operation: OperationJson, head: string): ToolResult {
  const json = operation as unknown as JsonObject;
  return structuredResult(json, `${head}\n${JSON.stringify(json)}`);
}

export function progressText({ metadata }: OperationJson, statusMessage: string | undefined): string {
  const fields = isJsonObject(metadata?.["value"]) ? metadata["value"] : (metadata ?? {});
  const percent = fields["progressPercent"];
  const text = fields["statusMessage"];
  const message = typeof text === "string" && text !== "" ? text : (statusMessage ?? "");
  return typeof percent === "number" && percent > 0 ? `${message} (${percent} %)`.trim() : message;
}
