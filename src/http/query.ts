// Query parameters: the system parameters of Google's APIs, and those of the method that is called.
import { MAX_QUOTED_CHARACTERS } from "../limits";
import { invalidArgument } from "../rpc/error";
import type { FieldViolation } from "../rpc/status";

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

/**
 * The method's own parameters that were given, by lowerCamelCase name. A parameter that is neither a system parameter nor in
 * `allowed` is INVALID_ARGUMENT.
 */
export function parseQuery(search: URLSearchParams, allowed: readonly string[]): Record<string, string> {
  const values: Record<string, string> = {};
  const violations: FieldViolation[] = [];
  for (const [parameter, value] of search) {
    const name = camelCase(parameter);
    if (allowed.includes(name)) {
      if (Object.hasOwn(values, name)) violations.push({ field: name, description: "is given more than once" });
      values[name] = value;
      continue;
    }
    const system = parameter.startsWith("$") ? parameter.slice(1) : parameter;
    if (!SYSTEM_PARAMETERS.has(system)) {
      // Unknown `$` parameters are ignored: Google may define more of them.
      if (!parameter.startsWith("$")) violations.push(unknownParameter(parameter, allowed));
    } else if (system === "alt") violations.push(...altViolations(value));
  }
  const [first, ...more] = violations;
  if (first) throw invalidArgument([first, ...more]);
  return values;
}

/** `page_size` and `pageSize` are one field: proto JSON accepts both. */
function camelCase(parameter: string): string {
  return parameter.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function unknownParameter(parameter: string, allowed: readonly string[]): FieldViolation {
  const known = allowed.length > 0 ? `; this method takes ${allowed.join(", ")}` : "; this method takes none";
  return { field: parameter.slice(0, MAX_QUOTED_CHARACTERS), description: `unknown query parameter${known}` };
}

function altViolations(value: string): FieldViolation[] {
  if (/^json(;enum-encoding=int)?$/.test(value)) return [];
  const description = `must be "json", not ${JSON.stringify(value.slice(0, MAX_QUOTED_CHARACTERS))}`;
  return [{ field: "alt", description }];
}

/** An int32 parameter; undefined where it was not given. */
export function intParameter(name: string, value: string | undefined): number | undefined {
  if (value === undefined || value === "") return undefined;
  const number = Number(value);
  if (/^-?\d+$/.test(value) && number >= -(2 ** 31) && number < 2 ** 31) return number;
  const description = `must be a 32-bit integer, not ${JSON.stringify(value.slice(0, MAX_QUOTED_CHARACTERS))}`;
  throw invalidArgument([{ field: name, description }]);
}
