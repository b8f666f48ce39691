// A policy as clients send it, decoded: every problem is a violation under the path of its field.
import { MAX_QUOTED_CHARACTERS } from "../limits";
import type { Json, JsonObject } from "../rpc/any";
import { type Violations, isJsonObject } from "../rpc/decode";
import { conditionProblem } from "./condition";
import { decodeEtag } from "./etag";
import {
  MAX_CONDITIONAL_BINDINGS,
  MAX_CONDITION_DESCRIPTION_CHARACTERS,
  MAX_CONDITION_TITLE_CHARACTERS,
  MAX_POLICY_MEMBERS,
} from "./iam-limits";
import { decodeMember } from "./members";
import type { Binding, Condition } from "./policy";
import { type Role, isRole, roles } from "./roles";

/** What of a policy was sent. proto3 JSON: null, and what is left out, is the field's default. */
export interface SentPolicy {
  version: number;
  bindings: readonly Binding[];
  /** In canonical form; undefined: none. */
  etag: string | undefined;
}

export function decodePolicy(json: Json, field: string, violations: Violations): SentPolicy {
  const policy = message(json, field, ["version", "bindings", "etag"], violations, ["auditConfigs"]);
  checkAuditConfigs(policy["auditConfigs"] ?? [], `${field}.auditConfigs`, violations);
  return {
    version: decodePolicyVersion(policy["version"], `${field}.version`, violations),
    bindings: decodeBindings(policy["bindings"] ?? [], `${field}.bindings`, violations),
    etag: decodeSentEtag(policy["etag"] ?? "", `${field}.etag`, violations),
  };
}

/** Clients that know the whole google.iam.v1.Policy send an empty list. There is nothing here that another could configure. */
function checkAuditConfigs(json: Json, field: string, violations: Violations): void {
  if (Array.isArray(json) && json.length === 0) return;
  violations.add(
    field,
    "is not supported: this service writes its audit lines for every call, whatever a policy says; leave the field out, or empty",
  );
}

/** 0, 1 or 3; proto3 JSON takes an int32 as a string too. */
export function decodePolicyVersion(json: Json | undefined, field: string, violations: Violations): number {
  const version = typeof json === "string" && /^\d$/.test(json) ? Number(json) : (json ?? 0);
  if (version === 0 || version === 1 || version === 3) return version;
  violations.add(field, `must be 0, 1 or 3, not ${quoted(json)}`);
  return 0;
}

function decodeSentEtag(json: Json, field: string, violations: Violations): string | undefined {
  if (json === "") return undefined;
  const etag = typeof json === "string" ? decodeEtag(json) : undefined;
  if (etag?.ok) return etag.value;
  return violations.add(field, etag?.description ?? "must be a string");
}

function decodeBindings(json: Json, field: string, violations: Violations): readonly Binding[] {
  if (!Array.isArray(json)) {
    violations.add(field, "must be a list of bindings");
    return [];
  }
  if (!withinCounts(json, field, violations)) return [];
  const bindings = json.map((binding, index) => decodeBinding(binding, `${field}[${index}]`, violations));
  return merged(bindings.filter((binding) => binding !== undefined));
}

/** Counted before anything is looked at more closely. */
function withinCounts(bindings: readonly Json[], field: string, violations: Violations): boolean {
  let members = 0;
  let conditions = 0;
  for (const binding of bindings) {
    if (!isJsonObject(binding)) continue;
    members += Array.isArray(binding["members"]) ? binding["members"].length : 0;
    conditions += isJsonObject(binding["condition"]) ? 1 : 0;
  }
  if (bindings.length > MAX_POLICY_MEMBERS) violations.add(field, `has at most ${MAX_POLICY_MEMBERS} bindings`);
  else if (members > MAX_POLICY_MEMBERS) {
    violations.add(field, `a policy has at most ${MAX_POLICY_MEMBERS} members over all its bindings, not ${members}`);
  } else if (conditions > MAX_CONDITIONAL_BINDINGS) {
    violations.add(field, `a policy has at most ${MAX_CONDITIONAL_BINDINGS} conditions, not ${conditions}`);
  } else return true;
  return false;
}

function decodeBinding(json: Json, field: string, violations: Violations): Binding | undefined {
  const { role, members, condition } = message(json, field, ["role", "members", "condition"], violations);
  const binding = {
    role: decodeRole(role ?? "", `${field}.role`, violations),
    members: decodeMembers(members ?? [], `${field}.members`, violations),
    condition: decodeCondition(condition ?? undefined, `${field}.condition`, violations),
  };
  // Without a member it grants nothing: Google drops it too.
  if (binding.role === undefined || binding.members.length === 0) return undefined;
  return {
    role: binding.role,
    members: binding.members,
    ...(binding.condition === undefined ? {} : { condition: binding.condition }),
  };
}

function decodeRole(json: Json, field: string, violations: Violations): Role | undefined {
  if (typeof json === "string" && isRole(json)) return json;
  if (typeof json === "string" && json.includes("_withcond_")) {
    return violations.add(
      field,
      "is a role of a policy that was read without its conditions; read it with options.requestedPolicyVersion=3",
    );
  }
  return violations.add(field, `must be one of ${roles.join(", ")}, not ${quoted(json)}`);
}

function decodeMembers(json: Json, field: string, violations: Violations): readonly string[] {
  if (!Array.isArray(json)) {
    violations.add(field, "must be a list of strings");
    return [];
  }
  const members = json.map((member, index) => {
    const decoded = typeof member === "string" ? decodeMember(member) : undefined;
    if (decoded?.ok) return decoded.value;
    return violations.add(`${field}[${index}]`, decoded?.description ?? "must be a string");
  });
  return [...new Set(members.filter((member) => member !== undefined))];
}

function decodeCondition(json: Json | undefined, field: string, violations: Violations): Condition | undefined {
  if (json === undefined) return undefined;
  const condition = message(json, field, ["expression", "title", "description", "location"], violations);
  const texts: Record<string, string> = {};
  for (const [name, maxCharacters] of [
    ["title", MAX_CONDITION_TITLE_CHARACTERS],
    ["description", MAX_CONDITION_DESCRIPTION_CHARACTERS],
    ["location", MAX_CONDITION_DESCRIPTION_CHARACTERS],
  ] as const) {
    const text = condition[name] ?? "";
    if (typeof text !== "string" || text.length > maxCharacters) {
      violations.add(`${field}.${name}`, `must be a string of at most ${maxCharacters} characters`);
    } else if (text !== "") texts[name] = text;
  }
  const expression = condition["expression"] ?? "";
  const problem = typeof expression === "string" ? conditionProblem(expression) : "must be a string";
  if (problem !== undefined) violations.add(`${field}.expression`, problem);
  return typeof expression === "string" ? { expression, ...texts } : undefined;
}

/** Bindings of one role under one condition are one binding. */
function merged(bindings: readonly Binding[]): readonly Binding[] {
  const byKey = new Map<string, Binding>();
  for (const binding of bindings) {
    const { role, condition } = binding;
    const key = JSON.stringify([
      role,
      condition?.expression,
      condition?.title,
      condition?.description,
      condition?.location,
    ]);
    const first = byKey.get(key);
    const members = first ? [...new Set([...first.members, ...binding.members])] : binding.members;
    byKey.set(key, { ...binding, members });
  }
  return [...byKey.values()];
}

/** A JSON object with no fields but these, and those that the caller judges; every other is a violation that names it. */
function message(
  json: Json,
  field: string,
  fields: readonly string[],
  violations: Violations,
  judged: readonly string[] = [],
): JsonObject {
  if (!isJsonObject(json)) {
    violations.add(field, `must be an object with ${fields.join(", ")}`);
    return {};
  }
  for (const key of Object.keys(json).filter((name) => !fields.includes(name) && !judged.includes(name))) {
    violations.add(`${field}.${key.slice(0, MAX_QUOTED_CHARACTERS)}`, `unknown field; known are ${fields.join(", ")}`);
  }
  return json;
}

function quoted(json: Json | undefined): string {
  return (JSON.stringify(json) ?? "").slice(0, MAX_QUOTED_CHARACTERS);
}
