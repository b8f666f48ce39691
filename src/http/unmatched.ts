// Requests that nothing serves: 405 where the path is known under other methods, 404 where it is not.
import { nearestName } from "../aip/nearest";
import { MAX_QUOTED_CHARACTERS, MAX_HINTED_CHARACTERS } from "../limits";
import { RpcError, invalidArgument } from "../rpc/error";
import { ADD_WEBHOOKS } from "../service/webhook-port";
import type { Page } from "./pages";
import { type Route, matchRoute, withoutEmptySegments } from "./route";

export interface Known {
  routes: readonly Route[];
  pages: readonly Page[];
}

/** Why a request is answered with an error, whose path takes these methods alone. */
export function unmatched(known: Known, { method, path, takes }: { method: string; path: string; takes: string[] }) {
  if (takes.length === 0) return unknownPath(known, path);
  const allow = takes.join(", ");
  const quoted = JSON.stringify(path.slice(0, MAX_QUOTED_CHARACTERS));
  return new RpcError("UNIMPLEMENTED", `${quoted} takes ${allow}, not ${JSON.stringify(method)}.`, {
    reason: "METHOD_NOT_ALLOWED",
    httpStatus: 405,
    headers: { Allow: allow },
    metadata: { method, allow },
  });
}

function unknownPath(known: Known, pathname: string): RpcError {
  const path = pathname.slice(0, MAX_QUOTED_CHARACTERS);
  const whole = withoutEmptySegments(pathname);
  if (whole !== undefined && methodsOfPath({ ...known, pages: [] }, whole).length > 0) {
    const description = "a name has no empty segment, and no slash at its end";
    return invalidArgument([{ field: "name", description }], { metadata: { path } });
  }
  const hint = routeHint(known.routes, pathname) || webhooksHint(pathname);
  return new RpcError("NOT_FOUND", `No method is served at ${JSON.stringify(path)}.${hint}`, {
    reason: "ROUTE_NOT_FOUND",
    metadata: { path },
  });
}

/** Of a deployment that serves webhooks, each such path is known, or near to one that is. */
function webhooksHint(path: string): string {
  return /\/webhooks\b/.test(path) ? ` It ${ADD_WEBHOOKS}.` : "";
}

/** The methods that a known path takes; none for an unknown one. */
export function methodsOfPath({ routes, pages }: Known, path: string): string[] {
  const known = pages.some((page) => page.path.test(path))
    ? ["GET", "HEAD"]
    : routes.filter((route) => matchRoute(route, path)).flatMap(methodsOfRoute);
  return [...new Set(known)];
}

/** HEAD answers as GET. A stream of events has no end that it could answer by. */
function methodsOfRoute({ binding, row }: Route): string[] {
  return binding.method === "GET" && !row.streams ? ["GET", "HEAD"] : [binding.method];
}

/**
 * The probable meaning of an unknown path: the method is served below a parent, its name is misspelled, or the version
 * is missing. A sentence that begins with a space; empty where nothing is near.
 */
export function routeHint(routes: readonly Route[], path: string): string {
  if (path.length > MAX_HINTED_CHARACTERS) return "";
  if (routes.some((route) => matchRoute(route, `/v1${path}`)))
    return ` Did you mean /v1${path}? Paths begin with a version.`;
  const version = path.split("/")[1];
  const byTail = new Map<string, Route>();
  for (const route of routes) {
    const tail = tailOf(route.template.template.replaceAll(/\{[^}]+\}/g, "*"));
    if (route.version === version && tail !== "" && !byTail.has(tail)) byTail.set(tail, route);
  }
  const tail = tailOf(path);
  const near = nearestName(tail, byTail.keys()) ?? nearestName(tail.replace(/^[^:]*/, ""), byTail.keys());
  const meant = near === undefined ? undefined : byTail.get(near);
  if (!meant) return "";
  const served = `${meant.binding.method} ${meant.template.template}`;
  return near === tail ? ` ${near} is served at ${served}.` : ` Did you mean ${served}?`;
}

/** The method's own part of a path's last segment: `tables:profile`, or the verb after a name, `:cancel`. */
function tailOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1).replace(/^\*/, "");
}
