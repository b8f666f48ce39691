// Query parameters: the system parameters of Google's APIs, and those of the method that is called.
import { SYSTEM_PARAMETERS } from "../api/system-parameters";
import { MAX_QUOTED_CHARACTERS } from "../limits";
import { Violations } from "../rpc/decode";
import { invalidArgument } from "../rpc/error";

/** The part of a query that is the method's own. A system parameter that is wrong is INVALID_ARGUMENT. */
export function methodParameters(search: URLSearchParams): URLSearchParams {
  if (search.size === 0) return search;
  const rest = new URLSearchParams();
  const violations = new Violations();
  const systemValues = new Map<string, string>();
  for (const [parameter, value] of search) {
    const system = parameter.startsWith("$") ? parameter.slice(1) : parameter;
    if (SYSTEM_PARAMETERS.includes(system)) {
      if (system === "alt") checkAlt(value, violations);
      // One of two values would be obeyed, and the other silently not.
      if (value !== (systemValues.get(system) ?? value))
        violations.add(system, "is given twice, with different values");
      systemValues.set(system, value);
      // Unknown `$` parameters are ignored: Google may define more of them.
    } else if (!parameter.startsWith("$")) rest.append(parameter, value);
  }
  violations.throwIfAny();
  return rest;
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
