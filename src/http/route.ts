// The bindings of the table, compiled: which of them a path is of.
import { type HttpTemplate, compileHttpTemplate, matchHttpTemplate, variablesFromGroups } from "../aip/http-template";
import { API_VERSIONS, type ApiMethod, type HttpBinding } from "../api/method";
import { ROOT } from "../iam/policy-resources";

/** A binding of a row, for one version. */
export interface Route {
  row: ApiMethod;
  binding: HttpBinding;
  version: string;
  template: HttpTemplate;
}

export function compileRoutes(table: readonly ApiMethod[]): Route[] {
  return table.flatMap((row) => row.http.flatMap((binding) => compileBinding(row, binding)));
}

function compileBinding(row: ApiMethod, binding: HttpBinding): Route[] {
  const { template } = binding;
  if (!template.startsWith("/{version}/")) {
    return [{ row, binding, version: template.split("/")[1] ?? "", template: compileHttpTemplate(template) }];
  }
  return API_VERSIONS.map((version) => ({
    row,
    binding,
    version,
    template: compileHttpTemplate(template.replace("{version}", version)),
  }));
}

/**
 * A request's URL with the path's ordinary characters decoded: `/v1/%70rojects` is `/v1/projects` ("percent-encoded octets
 * in the ranges of ALPHA, DIGIT, hyphen, period, underscore, or tilde … should be … decoded", RFC 3986, section 6.2.2.2).
 */
export function urlFromRequest(text: string): URL {
  const url = new URL(text);
  if (!url.pathname.includes("%")) return url;
  url.pathname = url.pathname.replaceAll(/%[0-9a-f]{2}/gi, (octet) => {
    const character = String.fromCodePoint(Number.parseInt(octet.slice(1), 16));
    return /[\w.~-]/.test(character) ? character : octet;
  });
  return url;
}

/** A path behind whose first name there are empty segments, without them; undefined for any other. */
export function withoutEmptySegments(path: string): string | undefined {
  const [, version = "", ...segments] = path.split("/");
  if (segments[0] === undefined || segments[0] === "" || !segments.includes("")) return undefined;
  return `/${[version, ...segments.filter((segment) => segment !== "")].join("/")}`;
}

/** The variables of a path that is the route's, whatever the HTTP method; undefined where it is not. */
export function matchRoute(route: Route, path: string): Record<string, string> | undefined {
  const encodedVariables = matchHttpTemplate(route.template, path);
  return encodedVariables && accepted(route, encodedVariables);
}

/** The same, of a path that the router has matched: by the groups of its match. */
export function variablesOfMatch(route: Route, groups: Record<string, string>): Record<string, string> | undefined {
  return accepted(route, variablesFromGroups(route.template, groups));
}

function accepted(
  { row, binding }: Route,
  encodedVariables: Record<string, string>,
): Record<string, string> | undefined {
  if ((row.method && !row.method.own) || !binding.template.includes("**")) return encodedVariables;
  return Object.entries(encodedVariables).every(isResource) ? encodedVariables : undefined;
}

/** A resource name is collections and ids in turn: a path with an odd number of segments is another's. */
function isResource([variable, name]: [string, string]): boolean {
  return name.split("/").length % 2 === 0 || (variable === "resource" && name === ROOT);
}
