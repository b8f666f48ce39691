// Routes as data, compiled for itty-router from google.api.http templates: its own syntax takes `:cancel` for a parameter.
import { type HttpTemplate, compileHttpTemplate, matchHttpTemplate } from "../aip/http-template";
import type { Rpc } from "../description/rpc";
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

/** The variables of a path that is the route's, whatever the HTTP method; undefined where it is not. */
export function matchRoute({ route, template }: CompiledRoute, path: string): Record<string, string> | undefined {
  const encodedVariables = matchHttpTemplate(template, path);
  if (!encodedVariables || route.accepts?.(encodedVariables) === false) return undefined;
  return encodedVariables;
}
