// Methods as documents have them: one binding for each method, path and resource, without the `**` that only a server knows.
import type { ApiMethod, HttpBinding } from "../api/method";

export interface Binding {
  row: ApiMethod;
  http: HttpBinding;
  /** `v1`, or what else the path begins with. */
  version: string;
  parts: readonly Part[];
  verb: string;
  /** The resources it stands among: `["projects", "locations", "operations"]`. */
  collections: readonly string[];
  /** The method's short name there: `get`, `list`, `cancel`. */
  methodName: string;
}

/** A literal, or a variable with the pattern of its value: literals and `*`. */
export type Part = { literal: string } | { variable: string; pattern: readonly string[] };

/** The paths of Google's own services. Methods add the parents that they name. */
const PARENTS = ["projects/*", "projects/*/locations/*", "projects/*/regions/*"] as const;

/** The bindings of one version, in the order of the table: of two for one path the first is the one that serves it. */
export function bindingsOf(table: readonly ApiMethod[], version: string): Binding[] {
  const parents = parentsOf(table);
  const seen = new Set<string>();
  return table
    .flatMap((row) => row.http.flatMap((http) => bindingsOfRule(row, http, { parents, version })))
    .filter((binding) => {
      const key = `${binding.http.method} ${binding.version}/${flatSegments(binding).join("/")}:${binding.verb}`;
      return !seen.has(key) && seen.add(key);
    });
}

/** Whether it is a second way to call the method (additional_bindings), by another HTTP method. */
export function isAdditional({ row, http }: Binding): boolean {
  return http.method !== row.http[0].method;
}

export function flatSegments({ parts }: Pick<Binding, "parts">): string[] {
  return parts.flatMap((part) => ("literal" in part ? [part.literal] : part.pattern));
}

export function boundVariables({ parts }: Pick<Binding, "parts">): string[] {
  return parts.flatMap((part) => ("variable" in part ? [part.variable] : []));
}

function parentsOf(table: readonly ApiMethod[]): string[] {
  const declared = table
    .filter(({ method }) => method)
    .flatMap(({ http: [{ template }] }) => /\{parent=([^{}]+)\}/.exec(template)?.[1] ?? [])
    .filter((pattern) => /^[^/*]+\/\*(?:\/[^/*]+\/\*)*$/.test(pattern));
  return [...new Set([...PARENTS, ...declared])];
}

function bindingsOfRule(
  row: ApiMethod,
  http: HttpBinding,
  { parents, version }: { parents: readonly string[]; version: string },
): Binding[] {
  const { template } = http;
  const isAnywhere = template.includes("**");
  const places = template.includes("{resource=**}") ? policyResources(parents) : ["", ...parents];
  return (isAnywhere ? places : [""]).flatMap((place) => {
    const filled = template.replace("**/", place === "" ? "" : `${place}/`).replace("**", place);
    // A variable that stands for nothing is another binding's path.
    return filled.includes("=}") ? [] : [bindingOf(row, http, filled.replace("{version}", version))];
  });
}

/** The resources that can have a policy: parents, their operations, and the root, which is written `operations`. */
function policyResources(parents: readonly string[]): string[] {
  return [...parents.flatMap((parent) => [parent, `${parent}/operations/*`]), "operations/*", "operations"];
}

function bindingOf(row: ApiMethod, http: HttpBinding, template: string): Binding {
  const [, path = template, verb = ""] = /^(.*?)(?::([^/:{}]+))?$/.exec(template) ?? [];
  const [version = "", ...segments] = path.match(/\{[^{}]*\}|[^/{}]+/g) ?? [];
  const parts = segments.map((segment): Part => {
    const [, variable, pattern = "*"] = /^\{([^=]+)(?:=(.*))?\}$/.exec(segment) ?? [];
    return variable === undefined ? { literal: segment } : { variable, pattern: pattern.split("/") };
  });
  const flat = flatSegments({ parts });
  const collections = flat.filter((segment) => !segment.startsWith("*"));
  const methodName = verb === "" ? standardMethod(http.method, flat.at(-1) ?? "") : verb;
  return { row, http, version, parts, verb, collections, methodName };
}

/** The standard methods (AIP-130). */
function standardMethod(httpMethod: string, lastSegment: string): string {
  const isOne = lastSegment.startsWith("*");
  switch (httpMethod) {
    case "GET":
      return isOne ? "get" : "list";
    case "POST":
      return "create";
    default:
      return httpMethod.toLowerCase();
  }
}

/** Gives each name once: what is taken gets a number. */
export function uniqueNames(): (name: string) => string {
  const taken = new Set<string>();
  return (name) => {
    let unique = name;
    for (let number = 2; taken.has(unique); number += 1) unique = `${name}${number}`;
    taken.add(unique);
    return unique;
  };
}
