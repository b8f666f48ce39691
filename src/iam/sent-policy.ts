// A policy as clients send it, checked: every problem is a violation under the path of its field.
import { MAX_QUOTED_CHARACTERS } from "../limits";
import { type JsonObject, isJsonObject } from "../rpc/any";
import { type Violations } from "../rpc/decode";
import { invalidArgument } from "../rpc/error";
import { conditionProblem } from "./condition";
import {
  MAX_CONDITIONAL_BINDINGS,
  MAX_CONDITION_DESCRIPTION_CHARACTERS,
  MAX_CONDITION_TITLE_CHARACTERS,
  MAX_ETAG_CHARACTERS,
  MAX_POLICY_MEMBERS,
} from "./iam-limits";
import { decodeMember } from "./members";
import type { Binding, Condition } from "./policy";
import { type Role, isRole, roles } from "./permissions";

/** google.iam.v1.Policy as its message is decoded. */
export interface PolicyMessage {
  version?: number;
  bindings?: readonly BindingMessage[];
  etag?: string;
  auditConfigs?: readonly object[];
}

interface BindingMessage {
  role?: string;
  members?: readonly string[];
  condition?: Partial<Condition>;
}

export interface SentPolicy {
  version: number;
  bindings: readonly Binding[];
  /** In canonical form; undefined: none. */
  etag: string | undefined;
}

/**
 * Refuses a policy of too many bindings before they are decoded: a body has room for 350,000 that are empty.
 *
 * @throws RpcError INVALID_ARGUMENT
 */
export function withinBindingCount(json: JsonObject): JsonObject {
  const { policy } = json;
  const bindings = isJsonObject(policy) ? policy["bindings"] : undefined;
  if (!Array.isArray(bindings) || bindings.length <= MAX_POLICY_MEMBERS) return json;
  throw invalidArgument([{ field: "policy.bindings", description: `has at most ${MAX_POLICY_MEMBERS} bindings` }]);
}

export function sentPolicy(
  { version, bindings = [], etag = "", auditConfigs = [] }: PolicyMessage,
  field: string,
  violations: Violations,
): SentPolicy {
  // Clients that know the whole google.iam.v1.Policy send an empty list.
  if (auditConfigs.length > 0) {
    violations.add(
      `${field}.auditConfigs`,
      "is not supported, because every call has its audit line; omit the field, or leave it empty",
    );
  }
  if (etag.length > MAX_ETAG_CHARACTERS)
    violations.add(`${field}.etag`, "must be the etag of the policy that was read");
  return {
    version: policyVersion(version, `${field}.version`, violations),
    bindings: sentBindings(bindings, `${field}.bindings`, violations),
    etag: etag === "" ? undefined : etag,
  };
}

/** 0, 1 or 3. */
export function policyVersion(version: number | undefined, field: string, violations: Violations): number {
  if (version === undefined || version === 0 || version === 1 || version === 3) return version ?? 0;
  violations.add(field, `must be 0, 1 or 3, not ${version}`);
  return 0;
}

function sentBindings(sent: readonly BindingMessage[], field: string, violations: Violations): readonly Binding[] {
  // Counted before anything else is checked.
  if (!withinCounts(sent, field, violations)) return [];
  const bindings = sent.map((binding, index) => sentBinding(binding, `${field}[${index}]`, violations));
  return merged(bindings.filter((binding) => binding !== undefined));
}

function withinCounts(bindings: readonly BindingMessage[], field: string, violations: Violations): boolean {
  let members = 0;
  let conditions = 0;
  for (const binding of bindings) {
    members += binding.members?.length ?? 0;
    conditions += binding.condition === undefined ? 0 : 1;
  }
  if (members > MAX_POLICY_MEMBERS) {
    violations.add(field, `a policy has at most ${MAX_POLICY_MEMBERS} members over all its bindings, not ${members}`);
  } else if (conditions > MAX_CONDITIONAL_BINDINGS) {
    violations.add(field, `a policy has at most ${MAX_CONDITIONAL_BINDINGS} conditions, not ${conditions}`);
  } else return true;
  return false;
}

function sentBinding(
  { role: name = "", members: sent = [], condition: expr }: BindingMessage,
  field: string,
  violations: Violations,
): Binding | undefined {
  const role = roleFrom(name, `${field}.role`, violations);
  const members = sent.map((member, index) => {
    const decoded = decodeMember(member);
    return decoded.ok ? decoded.value : violations.add(`${field}.members[${index}]`, decoded.description);
  });
  const condition = expr && conditionFrom(expr, `${field}.condition`, violations);
  // Without a member a binding grants nothing. Google drops it too.
  if (role === undefined || sent.length === 0) return undefined;
  return {
    role,
    members: [...new Set(members.filter((member) => member !== undefined))],
    ...(condition === undefined ? {} : { condition }),
  };
}

function roleFrom(role: string, field: string, violations: Violations): Role | undefined {
  if (isRole(role)) return role;
  if (role.includes("_withcond_")) {
    return violations.add(
      field,
      "is a role of a policy that was read without its conditions; read it with options.requestedPolicyVersion=3",
    );
  }
  const quoted = JSON.stringify(role.slice(0, MAX_QUOTED_CHARACTERS));
  return violations.add(field, `must be one of ${roles.join(", ")}, not ${quoted}`);
}

function conditionFrom(
  { expression = "", ...texts }: Partial<Condition>,
  field: string,
  violations: Violations,
): Condition {
  for (const [name, maxCharacters] of [
    ["title", MAX_CONDITION_TITLE_CHARACTERS],
    ["description", MAX_CONDITION_DESCRIPTION_CHARACTERS],
    ["location", MAX_CONDITION_DESCRIPTION_CHARACTERS],
  ] as const) {
    if ((texts[name] ?? "").length <= maxCharacters) continue;
    violations.add(`${field}.${name}`, `must be a string of at most ${maxCharacters} characters`);
  }
  const problem = conditionProblem(expression);
  if (problem !== undefined) violations.add(`${field}.expression`, problem);
  const given = Object.entries(texts).filter(([, text]) => text !== "");
  return { expression, ...Object.fromEntries(given) };
}

/** Bindings of one role under one condition become one binding. */
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
