// The parameters of a method beside its body, for the documents that list them.
import { MAX_QUERY_DEPTH } from "../limits";
import { jsonNameFromProtoName } from "../protobuf/field-name";
import { type Binding, boundVariables } from "./bindings";
import { StartParameters } from "../api/messages/start";
import type { Field, Message } from "../protobuf/declaration";
import { fieldAtPath } from "../protobuf/field-path";
import type { JsonObject } from "../rpc/any";
import type { ApiMethod, HttpBinding } from "../api/method";

export interface QueryParameter {
  /** `options.requestedPolicyVersion` */
  name: string;
  field: Field<unknown>;
  /** The part that both kinds of documents write alike. */
  facts: JsonObject;
}

export function queryParameters(binding: Binding): QueryParameter[] {
  const { row, http } = binding;
  const bound = new Set(boundVariables(binding).map(jsonNameFromProtoName));
  return queryFields(row, http, [...bound])
    .filter((name) => !bound.has(name))
    .map((name) => {
      const path = name.split(".");
      const declared = (row.request && fieldAtPath(row.request, path)) ?? fieldAtPath(StartParameters, path);
      if (declared === undefined) throw new TypeError(`no field declares the query parameter ${name}`);
      return { name, field: declared.field, facts: factsOf(declared.field) };
    });
}

export function variableDescription({ row: { request } }: Binding, variable: string): string | undefined {
  return request && fieldAtPath(request, variable.split("."))?.field.options.description;
}

function factsOf({ required, options: { deprecated, description } }: Field<unknown>): JsonObject {
  return {
    ...(required ? { required } : {}),
    ...(deprecated ? { deprecated } : {}),
    ...(description === undefined ? {} : { description }),
  };
}

/** The ids in a path by name, `projects/*` → `project`, in their order. */
export function idNames(flatSegments: readonly string[], nameOf: (collection: string) => string): string[] {
  const names: string[] = [];
  for (const [index, segment] of flatSegments.entries()) {
    if (!segment.startsWith("*")) continue;
    const before = flatSegments[index - 1] ?? "id";
    const name = nameOf(before.startsWith("*") ? "id" : before);
    let unique = name;
    for (let number = 2; names.includes(unique); number += 1) unique = `${name}${number}`;
    names.push(unique);
  }
  return names;
}

/** `v1/projects/*:verb` with each `*` written as the next of the names. */
export function flatPath(
  { version, verb }: Binding,
  flatSegments: readonly string[],
  names: readonly string[],
): string {
  const rest = [...names];
  const segments = flatSegments.map((segment) => (segment.startsWith("*") ? `{${rest.shift()}}` : segment));
  return `${[version, ...segments].join("/")}${verb === "" ? "" : `:${verb}`}`;
}

// "All fields that are not bound by the path template or the body become HTTP query parameters."

/** The field paths, in JSON names, that the query of a method may have, but for those that its path binds. */
export function queryFields(row: ApiMethod, { body }: HttpBinding, bound: readonly string[]): string[] {
  const ofStart = row.starts ? fieldsIn(StartParameters, [], 0) : [];
  const ofRequest = body === "*" ? (row.query ?? []) : row.request ? unboundFields(row.request, body, bound) : [];
  return [...new Set([...ofStart, ...ofRequest])];
}

function unboundFields(request: Message, body: string | undefined, bound: readonly string[]): string[] {
  const excluded = new Set([...bound, ...(body === undefined ? [] : [body])].map(jsonNameFromProtoName));
  return fieldsIn(request, [], 0).filter((path) => !excluded.has(path) && !excluded.has(path.split(".")[0] ?? ""));
}

function fieldsIn(message: Message, above: readonly string[], depth: number): string[] {
  return message.fields.flatMap(({ jsonName, field: { label, type } }) => {
    const path = [...above, jsonName];
    if (label !== "map" && type.fromText !== undefined) return [path.join(".")];
    if (label !== "singular" || type.kind !== "message" || depth >= MAX_QUERY_DEPTH) return [];
    return fieldsIn(type.message, path, depth + 1);
  });
}
