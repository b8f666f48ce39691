// Which fields of a request come in the query (google/api/http.proto, "Rules for HTTP mapping").
import { jsonNameFromProtoName } from "../protobuf/field-name";
import { StartParameters } from "../api/messages/start";
import type { ApiMethod, HttpBinding } from "../api/method";
import type { Message } from "../protobuf/declaration";

/** Messages in messages that documents look into: a message may hold itself. */
const MAX_QUERY_DEPTH = 4;

// "All fields that are not bound by the path template or the body become HTTP query parameters."

/** The field paths, in JSON names, that the query of a method may have, but for those that its path binds. */
export function queryFields(row: ApiMethod, { body }: HttpBinding, bound: readonly string[]): string[] {
  const ofStart = row.starts ? StartParameters.fields.map(({ jsonName }) => jsonName) : [];
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
