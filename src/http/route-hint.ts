// What an unknown path was probably meant to be: the method is served below a parent, its name is misspelled, or the version
// is missing.
import { nearestName } from "../aip/nearest";
import { type Route, matchRoute } from "./route";

/** Longer paths are no slips. */
const MAX_HINTED_CHARACTERS = 512;

/** A sentence that begins with a space; empty where nothing is near. */
export function routeHint(compiled: readonly Route[], path: string): string {
  if (path.length > MAX_HINTED_CHARACTERS) return "";
  if (compiled.some((route) => matchRoute(route, `/v1${path}`)))
    return ` Did you mean /v1${path}? Paths begin with a version.`;
  const version = path.split("/")[1];
  const byTail = new Map<string, Route>();
  for (const route of compiled) {
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

/** What of a path's last segment is a method's own: `tables:profile`, or the verb behind a name, `:cancel`. */
function tailOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1).replace(/^\*/, "");
}
