// Query parameters: the system parameters of Google's APIs, and those of the method that is called.
import { MAX_QUOTED_CHARACTERS } from "../limits";
import { Violations } from "../rpc/decode";
import { invalidArgument } from "../rpc/error";

/** https://cloud.google.com/apis/docs/system-parameters: accepted with and without `$`. */
const SYSTEM_PARAMETERS: ReadonlySet<string> = new Set([
  "alt",
  "prettyPrint",
  "fields",
  "key",
  "access_token",
  "quotaUser",
  "xgafv",
  "uploadType",
  "upload_protocol",
  "userProject",
  "callback",
  "oauth_token",
]);

export interface Query {
  /** The parameters that were asked for, by lowerCamelCase name. */
  values: Record<string, string>;
  /** What is left: neither a system parameter nor asked for. */
  rest: URLSearchParams;
}

/** Takes the query apart; a system parameter that is wrong, or a wanted one that is given twice, is INVALID_ARGUMENT. */
export function splitQuery(search: URLSearchParams, wanted: readonly string[]): Query {
  const values: Record<string, string> = {};
  if (search.size === 0) return { values, rest: search };
  const rest = new URLSearchParams();
  const violations = new Violations();
  const systemValues = new Map<string, string>();
  for (const [parameter, value] of search) {
    const name = camelCase(parameter);
    const system = parameter.startsWith("$") ? parameter.slice(1) : parameter;
    if (wanted.includes(name)) {
      if (Object.hasOwn(values, name)) violations.add(name, "is given more than once");
      values[name] = value;
    } else if (SYSTEM_PARAMETERS.has(system)) {
      if (system === "alt") checkAlt(value, violations);
      // One of two values would be obeyed, and the other silently not.
      if (value !== (systemValues.get(system) ?? value))
        violations.add(system, "is given twice, with different values");
      systemValues.set(system, value);
      // Unknown `$` parameters are ignored: Google may define more of them.
    } else if (!parameter.startsWith("$")) rest.append(parameter, value);
  }
  violations.throwIfAny();
  return { values, rest };
}

/** The method's own parameters; one that is neither a system parameter nor in `allowed` is INVALID_ARGUMENT. */
export function parseQuery(search: URLSearchParams, allowed: readonly string[]): Record<string, string> {
  const { values, rest } = splitQuery(search, allowed);
  const violations = new Violations();
  const known = allowed.length > 0 ? allowed.join(", ") : "none";
  for (const parameter of new Set(rest.keys())) {
    violations.add(parameter.slice(0, MAX_QUOTED_CHARACTERS), `unknown query parameter; this method takes ${known}`);
  }
  violations.throwIfAny();
  return values;
}

/**
 * Refuses a query, as it stands in the URL, that has percent-encoded bytes which are not UTF-8: it would be read with
 * replacement characters in their place, and mean something else.
 *
 * @throws RpcError INVALID_ARGUMENT naming the parameters.
 */
export function checkQueryText(search: string): void {
  if (!search.includes("%")) return;
  const violations = new Violations();
  for (const parameter of search
    .slice(1)
    .split("&")
    .filter((text) => !isUtf8(text))) {
    const name = new URLSearchParams(parameter).keys().next().value ?? "";
    violations.add(name.slice(0, MAX_QUOTED_CHARACTERS), "is not percent-encoded UTF-8");
  }
  violations.throwIfAny();
}

function isUtf8(text: string): boolean {
  try {
    // A lone "%" is itself, as it is for URLSearchParams.
    decodeURIComponent(text.replaceAll(/%(?![0-9a-fA-F]{2})/g, "%25"));
    return true;
  } catch {
    // decodeURIComponent says no more than that it failed.
    return false;
  }
}

/** `page_size` and `pageSize` are one field: proto JSON accepts both. */
function camelCase(parameter: string): string {
  return parameter.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function checkAlt(value: string, violations: Violations): void {
  if (/^json(;enum-encoding=int)?$/.test(value)) return;
  violations.add("alt", `must be "json", not ${JSON.stringify(value.slice(0, MAX_QUOTED_CHARACTERS))}`);
}

/** A boolean parameter; undefined where it was not given. */
export function boolParameter(name: string, value: string | undefined): boolean | undefined {
  if (value === undefined || value === "") return undefined;
  if (value === "true" || value === "false") return value === "true";
  const description = `must be "true" or "false", not ${JSON.stringify(value.slice(0, MAX_QUOTED_CHARACTERS))}`;
  throw invalidArgument([{ field: name, description }]);
}

/** An int32 parameter; undefined where it was not given. */
export function intParameter(name: string, value: string | undefined): number | undefined {
  if (value === undefined || value === "") return undefined;
  const number = Number(value);
  if (/^-?\d+$/.test(value) && number >= -(2 ** 31) && number < 2 ** 31) return number;
  const description = `must be a 32-bit integer, not ${JSON.stringify(value.slice(0, MAX_QUOTED_CHARACTERS))}`;
  throw invalidArgument([{ field: name, description }]);
}
