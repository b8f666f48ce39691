// Partial responses: the system parameter `fields`, or X-Goog-FieldMask, keeps the fields that it names.
import jsonMask, { type CompiledMask } from "json-mask";
import { MAX_FIELDS_CHARACTERS, MAX_MASKED_SOURCE_BYTES, MAX_QUOTED_CHARACTERS } from "../limits";
import type { Message } from "../protobuf/declaration";
import { type Json, isJsonObject } from "../rpc/any";
import { invalidArgument } from "../rpc/error";
import { rewrittenResponse } from "./response";

/** The mask that a request asks for; undefined for the whole answer. An unknown field is INVALID_ARGUMENT. */
export function maskOf(request: Request, search: URLSearchParams, answer: Message): CompiledMask | undefined {
  if (!isMasked(request, search)) return undefined;
  // The paths of a google.protobuf.FieldMask have dots.
  const text = maskText(request, search).replaceAll(".", "/");
  // The compiler would take it for the prototype of the mask, and forget it.
  if (text.split(/[/,()\s]+/).includes("__proto__")) throw unknownFields("__proto__", "is no field of the answer");
  const mask = isWellFormed(text) ? jsonMask.compile(text.replaceAll(/\s/g, "")) : null;
  if (!mask) throw unknownFields(text, 'must be field names, like "name,done,error/code" or "operations(name,done)"');
  checkFields(mask, answer, []);
  return mask;
}

/** Whether a request asks for a part of the answer. The mask itself is not looked at. */
export function isMasked(request: Request, search: URLSearchParams): boolean {
  const text = maskText(request, search);
  return text !== "" && text !== "*";
}

function maskText(request: Request, search: URLSearchParams): string {
  const fields = search.get("fields") ?? search.get("$fields");
  return (fields ?? request.headers.get("X-Goog-FieldMask") ?? "").trim();
}

/** The grammar that json-mask takes for granted: names, and `/`, `,` and balanced parentheses between them. */
function isWellFormed(text: string): boolean {
  if (text.length > MAX_FIELDS_CHARACTERS || !/^[\w@*.\-/,()\s]+$/.test(text)) return false;
  let depth = 0;
  for (const character of text) {
    if (character === "(") depth += 1;
    else if (character === ")") depth -= 1;
    if (depth < 0) return false;
  }
  return depth === 0 && !/[/,(]\s*([/,)]|$)|^\s*[/,(]|\)\s*[^,)\s]/.test(text);
}

/** Below a map, a struct or an Any are fields of the deployment's own, and a scalar has no fields. */
function checkFields(mask: CompiledMask, answer: Pick<Message, "fields">, path: readonly string[]): void {
  for (const [name, { properties }] of Object.entries(mask)) {
    if (name === "*") continue;
    const declared = answer.fields.find(({ jsonName }) => jsonName === name);
    if (declared === undefined) {
      const known = answer.fields.map(({ jsonName }) => jsonName).join(", ") || "no fields";
      throw unknownFields([...path, name].join("/"), `is no field of the answer; it has ${known}`);
    }
    const { label, type } = declared.field;
    if (!properties || label === "map" || (type.kind === "wellKnown" && OPEN_TYPE.test(type.name))) continue;
    checkFields(properties, type.kind === "message" ? type.message : NO_FIELDS, [...path, name]);
  }
}

const OPEN_TYPE = /\.(?:Any|Struct|Value|ListValue)$/;
const NO_FIELDS: Pick<Message, "fields"> = { fields: [] };

function unknownFields(text: string, rule: string): Error {
  const description = `${JSON.stringify(text.slice(0, MAX_QUOTED_CHARACTERS))} ${rule}`;
  return invalidArgument([{ field: "fields", description }]);
}

/** The part of an answer that a mask keeps, finished; the whole above {@link MAX_MASKED_SOURCE_BYTES}. */
export function maskedResponse(
  response: Response,
  mask: CompiledMask,
  finish: (json: string) => string,
): Promise<Response> {
  return rewrittenResponse(response, MAX_MASKED_SOURCE_BYTES, (json) => finish(maskedJson(json, mask)));
}

export function maskedJson(json: string, mask: CompiledMask): string {
  return JSON.stringify(kept(JSON.parse(json) as Json, mask) ?? {});
}

/** json-mask's own filter throws at a `*` below a text. A value without fields has nothing to keep below it. */
function kept(value: Json, mask: CompiledMask | undefined): Json | undefined {
  if (mask === undefined || value === null) return value;
  if (Array.isArray(value))
    return value.map((element) => kept(element, mask)).filter((element) => element !== undefined);
  if (!isJsonObject(value)) return undefined;
  const fields = Object.entries(mask).flatMap(([field, { properties }]) =>
    (field === "*" ? Object.keys(value) : [field])
      .filter((key) => Object.hasOwn(value, key))
      .map((key) => [key, kept(value[key]!, properties)] as const),
  );
  return Object.fromEntries(fields.filter((entry): entry is [string, Json] => entry[1] !== undefined));
}
