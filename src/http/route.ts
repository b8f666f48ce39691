// Routes as data, compiled for itty-router from google.api.http templates: its own syntax takes `:cancel` for a parameter.
import { type HttpTemplate, compileHttpTemplate, matchHttpTemplate } from "../aip/http-template";
import type { Rpc } from "../describe/rpc";
import type { Handler } from "./call";
import type { Judge } from "./judge";
import type { AnswerShape } from "./partial-response";

/** The API versions that are served; all mean the same resource. */
export const API_VERSIONS = ["v1", "v1beta1", "ui"] as const;

export interface Route {
  method: "GET" | "POST" | "DELETE" | "PATCH";
  /** A google.api.http template; `{version}` at its head stands for each of {@link API_VERSIONS}. */
  template: string;
  /** Whether the path's variables, still encoded, are of this route; a path that is refused may be another's. */
  accepts?: (encodedVariables: Readonly<Record<string, string>>) => boolean;
  /** The method that is served: what it takes and gives, and what the documents say of it. */
  rpc: Rpc;
  /** The fields of its answer, for partial responses. */
  answer: AnswerShape;
  /** Asked before the handler, and before anything of the request but its path is looked at. */
  judge: Judge;
  handler: Handler;
}

/** A resource name is collections and ids in turn: a path with an odd number of segments is no route. */
export function hasPairs(variable: string): (encodedVariables: Readonly<Record<string, string>>) => boolean {
  return (encodedVariables) => (encodedVariables[variable] ?? "").split("/").length % 2 === 0;
}

/** A route for one version. */
export interface CompiledRoute {
  route: Route;
  version: string;
  template: HttpTemplate;
}

export function compileRoutes(routes: readonly Route[]): CompiledRoute[] {
  return routes.flatMap((route) => {
    if (!route.template.startsWith("/{version}/")) {
      return [{ route, version: route.template.split("/")[1] ?? "", template: compileHttpTemplate(route.template) }];
    }
    return API_VERSIONS.map((version) => ({
      route,
      version,
      template: compileHttpTemplate(route.template.replace("{version}", version)),
    }));
  });
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
export function matchRoute({ route, template }: CompiledRoute, path: string): Record<string, string> | undefined {
  const encodedVariables = matchHttpTemplate(template, path);
  if (!encodedVariables || route.accepts?.(encodedVariables) === false) return undefined;
  return encodedVariables;
}
