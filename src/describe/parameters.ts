// The parameters of a method beside its body, for the documents that list them.
import { jsonNameFromProtoName } from "../protobuf/field-name";
import { type Binding, boundVariables } from "./bindings";
import { StartParameters } from "./rpc";
import type { FieldDescriptor, Schemas } from "./schemas";

/** System parameters (https://cloud.google.com/apis/docs/system-parameters) that every method takes. */
export const SYSTEM_PARAMETERS = [
  { name: "fields", type: "string", description: "The fields that the answer is to have: `name,done,error/code`." },
  { name: "access_token", type: "string", description: "A bearer token, where no header can be sent." },
  { name: "key", type: "string", description: "An API key." },
  { name: "prettyPrint", type: "boolean", description: "Indents the answer." },
  { name: "quotaUser", type: "string", description: "Accepted, and not looked at." },
] as const;

export interface QueryParameter {
  /** `options.requestedPolicyVersion` */
  name: string;
  field: FieldDescriptor;
}

/** What a method takes in the query, but for what its path has already. */
export function queryParameters(binding: Binding, schemas: Schemas): QueryParameter[] {
  const { query, request } = binding.rpc;
  const bound = new Set(boundVariables(binding).map(jsonNameFromProtoName));
  return query
    .filter((name) => !bound.has(name))
    .map((name) => {
      const field = (request && schemas.fieldAt(request, name)) ?? schemas.fieldAt(StartParameters, name);
      if (field === undefined) throw new TypeError(`no field declares the query parameter ${name}`);
      return { name, field };
    });
}

/** What a request's own declaration says of a path variable. */
export function variableDescription({ rpc }: Binding, variable: string, schemas: Schemas): string | undefined {
  const { request } = rpc;
  const path = variable.split(".").map(jsonNameFromProtoName).join(".");
  return request && schemas.fieldAt(request, path)?.description;
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
