// Partial responses: the system parameter `fields`, or X-Goog-FieldMask, keeps the fields that it names.
// The library is compiled as a part of its users' programs: what it needs, it names.
// oxlint-disable-next-line typescript/triple-slash-reference -- whoever compiles this source as a dependency needs these types
/// <reference path="./json-mask.d.ts" />
import { type CompiledMask, compile } from "json-mask";
import { MAX_FIELDS_CHARACTERS, MAX_MASKED_SOURCE_BYTES, MAX_QUOTED_CHARACTERS } from "../limits";
import type { Json } from "../rpc/any";
import { isJsonObject } from "../rpc/decode";
import { invalidArgument } from "../rpc/error";
import { rewrittenResponse } from "./rewritten-response";

/** The fields that an answer may have; `any` holds fields of the deployment's own. */
export interface AnswerShape {
  readonly [field: string]: AnswerShape | "any";
}

const statusShape: AnswerShape = { code: {}, message: {}, details: "any" };
export const operationShape: AnswerShape = { name: {}, metadata: "any", done: {}, error: statusShape, response: "any" };
export const operationListShape: AnswerShape = { operations: operationShape, nextPageToken: {}, unreachable: {} };
export const emptyShape: AnswerShape = {};
export const locationShape: AnswerShape = { name: {}, locationId: {}, displayName: {}, labels: "any", metadata: "any" };
export const locationListShape: AnswerShape = { locations: locationShape, nextPageToken: {} };

/** The mask that a request asks for; undefined for the whole answer. An unknown field is INVALID_ARGUMENT. */
export function maskOf(request: Request, search: URLSearchParams, shape: AnswerShape): CompiledMask | undefined {
  const fields = search.get("fields") ?? search.get("$fields");
  // The paths of a google.protobuf.FieldMask have dots.
  const text = (fields ?? request.headers.get("X-Goog-FieldMask") ?? "").trim().replaceAll(".", "/");
  if (text === "" || text === "*") return undefined;
  // The compiler would take it for the prototype of the mask, and forget it.
  if (text.split(/[/,()\s]+/).includes("__proto__")) throw unknownFields("__proto__", "is no field of the answer");
  const mask = isWellFormed(text) ? compile(text.replaceAll(/\s/g, "")) : null;
  if (!mask) throw unknownFields(text, 'must be field names, like "name,done,error/code" or "operations(name,done)"');
  checkFields(mask, shape, []);
  return mask;
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

function checkFields(mask: CompiledMask, shape: AnswerShape, path: readonly string[]): void {
  for (const [field, { properties }] of Object.entries(mask)) {
    const shapes = field === "*" ? Object.values(shape) : [Object.hasOwn(shape, field) ? shape[field] : undefined];
    for (const inner of shapes) {
      if (inner === undefined) {
        const known = Object.keys(shape).join(", ") || "no fields";
        throw unknownFields([...path, field].join("/"), `is no field of the answer; it has ${known}`);
      }
      if (properties && inner !== "any" && field !== "*") checkFields(properties, inner, [...path, field]);
    }
  }
}

function unknownFields(text: string, rule: string): Error {
  const description = `${JSON.stringify(text.slice(0, MAX_QUOTED_CHARACTERS))} ${rule}`;
  return invalidArgument([{ field: "fields", description }]);
}

/** What a mask keeps of an answer, then finished; or all of it, where it has more than {@link MAX_MASKED_SOURCE_BYTES}. */
export function maskedResponse(
  response: Response,
  mask: CompiledMask,
  finish: (json: string) => string,
): Promise<Response> {
  return rewrittenResponse(response, MAX_MASKED_SOURCE_BYTES, (json) => finish(maskedJson(json, mask)));
}

/** What a mask keeps of an answer in JSON. */
export function maskedJson(json: string, mask: CompiledMask): string {
  return JSON.stringify(kept(JSON.parse(json) as Json, mask) ?? {});
}

/** json-mask's own filter throws at a `*` below a text. What has no fields has nothing to keep below it. */
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
