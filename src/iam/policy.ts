// google.iam.v1.Policy (google/iam/v1/policy.proto) as it is stored.
import { etagFromRevision } from "./etag";
import type { Role } from "./roles";

/** google.type.Expr: the condition of a binding. PERSISTED CONTRACT. */
export interface Condition {
  /** CEL, checked when it was set. */
  expression: string;
  title?: string;
  description?: string;
  location?: string;
}

/** PERSISTED CONTRACT. */
export interface Binding {
  role: Role;
  /** In canonical form, none twice. */
  members: readonly string[];
  condition?: Condition;
}

/** PERSISTED CONTRACT, in a PolicyObject or in an operation's record. */
export interface Policy {
  /** 3 if a binding has a condition, else 1, whatever version was set. */
  version: 1 | 3;
  bindings: readonly Binding[];
  /** Canonical padded base64; another one with every set. */
  etag: string;
  /** The number of times it was set. */
  revision: number;
}

export function policyFromBindings(bindings: readonly Binding[], revision: number): Policy {
  const version = hasConditions(bindings) ? 3 : 1;
  return { version, bindings, etag: etagFromRevision(revision, bindings), revision };
}

/** The policy of a resource on which none was set. */
export function emptyPolicy(): Policy {
  return policyFromBindings([], 0);
}

export function hasConditions(bindings: readonly Binding[]): boolean {
  return bindings.some(({ condition }) => condition !== undefined);
}
