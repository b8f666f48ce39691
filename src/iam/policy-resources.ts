// The resources that can have a policy, and the policies that count for a resource.
import { parentBeforeWildcard, parseOperationName } from "../aip/resource-name";
import { MAX_POLICY_DEPTH } from "./iam-limits";

/** The service root, whose policy holds everywhere: the bare collection. */
export const ROOT = "operations";

/** Whether a name is an operation's. An operation's policy is part of its record. */
export function isOperation(name: string): boolean {
  return parseOperationName(name) !== undefined;
}

/** The resource that a call is judged on: the parent before its first wildcard; the root for the collection (``). */
export function resourceFromParent(parent: string): string {
  const before = parentBeforeWildcard(parent);
  const segments = (before ?? parent).split("/").filter((segment) => segment !== "");
  const name = segments.slice(0, segments.length - (segments.length % 2)).join("/");
  return name === "" ? ROOT : name;
}

/**
 * The resources whose policies count for `resource`, the nearest first: `projects/p/locations/l/operations/x` → itself,
 * `projects/p/locations/l`, `projects/p`, `operations`. Below {@link MAX_POLICY_DEPTH} pairs only operations have one.
 */
export function policyResources(resource: string): string[] {
  const name = resourceFromParent(resource);
  if (name === ROOT) return [ROOT];
  const segments = name.split("/");
  const ancestors = Array.from({ length: Math.min(MAX_POLICY_DEPTH, segments.length / 2) }, (_, index) =>
    segments.slice(0, 2 * (index + 1)).join("/"),
  );
  // An operation's policy holds for the operation alone, not for names that happen to be nested below it.
  const parents = ancestors.filter((ancestor) => ancestor !== name && !isOperation(ancestor));
  const hasOwn = isOperation(name) || ancestors.includes(name);
  return [...(hasOwn ? [name] : []), ...parents.toReversed(), ROOT];
}

/** Whether a grant on `ancestor` holds on `name`. */
export function holdsOn(ancestor: string, name: string): boolean {
  return ancestor === ROOT || name === ancestor || name.startsWith(`${ancestor}/`);
}

export function policyResourceProblem(resource: string): string | undefined {
  if (policyResources(resource).includes(resource)) return undefined;
  return `a policy stands on an operation, on a parent of at most ${MAX_POLICY_DEPTH} pairs, or on ${JSON.stringify(ROOT)}`;
}

/** `resource.type` in conditions. */
export function resourceType(name: string): string {
  if (isOperation(name)) return "google.longrunning.Operation";
  if (/^projects\/[^/]+$/.test(name)) return "cloudresourcemanager.googleapis.com/Project";
  if (/^projects\/[^/]+\/locations\/[^/]+$/.test(name)) return "google.cloud.location.Location";
  return "google.longrunning.Operations";
}
