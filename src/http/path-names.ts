// The names in a path: each decoded once, and checked. A malformed one is INVALID_ARGUMENT.
import type { ApiMethod } from "../api/method";
import { nameFromPath, parentFromNames, parseOperationName } from "../aip/resource-name";
import { invalidArgument } from "../rpc/error";

export function namesFromVariables(
  row: ApiMethod,
  encodedVariables: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(encodedVariables).map(([variable, encoded]) => {
      const whole = row.takesEncodedName ? nameInSegment(encoded) : undefined;
      const name = whole ?? pathName(variable, encoded);
      if (row.on !== "parents") rejectDash(variable, name, 1, "any resource only in lists, not");
      return [variable, name];
    }),
  );
}

/** The resource that the permission is judged on and the handler acts on; empty for the root. */
export function resourceOf(row: ApiMethod, names: Readonly<Record<string, string>>, target: string): string {
  if (row.method) return parentFromNames(names);
  // A suspension is its operation's, a webhook its parent's.
  const isPart = row.on !== "parents" && row.on !== "resource";
  const own = isPart ? names["name"]?.replace(/(?:^|\/)(?:suspensions|webhooks)\/[^/]*$/, "") : undefined;
  return own ?? names["name"] ?? names["parent"] ?? names["resource"] ?? (row.on === "deployment" ? target : "");
}

/** The resource that a path acts on: the path without version and verb, decoded. */
export function targetFromPath(path: string): string {
  const [, , ...segments] = path.replace(/:[^/:]*$/, "").split("/");
  return decodeURIComponent(segments.join("/"));
}

function pathName(variable: string, encoded: string): string {
  const name = nameFromPath(encoded);
  if (!name.ok) throw invalidArgument([{ field: variable, description: name.description }]);
  rejectDash(variable, name.value, 0, "an id, not for a collection,");
  return name.value;
}

/** AIP-159: "-" stands for a resource id. It is rejected in the place of a collection (0), or of an id (1). */
function rejectDash(field: string, name: string, place: 0 | 1, rule: string): void {
  // Nearly no name has one.
  if (!`/${name}/`.includes("/-/")) return;
  if (!name.split("/").some((segment, index) => index % 2 === place && segment === "-")) return;
  throw invalidArgument([{ field, description: `"-" stands for ${rule} in ${JSON.stringify(name)}` }]);
}

/** `operations/{percent-encoded full name}`: the stock google-gax client means that name. */
function nameInSegment(encoded: string): string | undefined {
  const segment = /^operations\/([^/]*%2F[^/]*)$/i.exec(encoded)?.[1];
  // The name's own segments are divided by what was %2F. Each was encoded once, as a whole.
  const name = segment === undefined ? undefined : nameFromPath(segment.replaceAll(/%2F/gi, "/"));
  return name?.ok && parseOperationName(name.value) ? name.value : undefined;
}
