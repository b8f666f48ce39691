// Partial responses: the system parameter `fields`, or X-Goog-FieldMask, keeps the fields that it names.
import { MAX_MASKED_SOURCE_BYTES, MAX_QUOTED_CHARACTERS } from "../limits";
import type { Message } from "../protobuf/declaration";
import { type Json, isJsonObject } from "../rpc/any";
import { invalidArgument } from "../rpc/error";
import { type FieldMask, WHOLE, parseFieldMask } from "./field-mask";
import { rewrittenResponse } from "./response";

/** The mask that a request asks for; undefined for the whole answer. An unknown field is INVALID_ARGUMENT. */
export function maskOf(request: Request, search: URLSearchParams, answer: Message): FieldMask | undefined {
  if (!isMasked(request, search)) return undefined;
  const text = maskText(request, search);
  const mask = parseFieldMask(text);
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

/** Below a map, a struct or an Any are fields of the deployment's own, and a scalar has no fields. */
function checkFields(mask: FieldMask, answer: Pick<Message, "fields">, path: readonly string[]): void {
  for (const [name, below] of mask) {
    if (name === "*") continue;
    const declared = answer.fields.find(({ jsonName }) => jsonName === name);
    if (declared === undefined) {
      const known = answer.fields.map(({ jsonName }) => jsonName).join(", ") || "no fields";
      throw unknownFields([...path, name].join("/"), `is no field of the answer; it has ${known}`);
    }
    const { label, type } = declared.field;
    if (below === WHOLE || label === "map" || (type.kind === "wellKnown" && OPEN_TYPE.test(type.name))) continue;
    checkFields(below, type.kind === "message" ? type.message : NO_FIELDS, [...path, name]);
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
  mask: FieldMask,
  finish: (json: string) => string,
): Promise<Response> {
  return rewrittenResponse(response, MAX_MASKED_SOURCE_BYTES, (json) => finish(maskedJson(json, mask)));
}

export function maskedJson(json: string, mask: FieldMask): string {
  return JSON.stringify(kept(JSON.parse(json) as Json, mask) ?? {});
}

/** A value without fields has nothing to keep below it. A field's own name counts before `*`. */
function kept(value: Json, mask: FieldMask): Json | undefined {
  if (mask === WHOLE || value === null) return value;
  if (Array.isArray(value))
    return value.map((element) => kept(element, mask)).filter((element) => element !== undefined);
  if (!isJsonObject(value)) return undefined;
  const fields = Object.entries(value).map(([key, field]) => {
    const below = mask.get(key) ?? mask.get("*");
    return [key, below && kept(field, below)] as const;
  });
  return Object.fromEntries(fields.filter((entry): entry is [string, Json] => entry[1] !== undefined));
}
