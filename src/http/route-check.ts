// Whether the methods of a deployment can be told apart from one another, and from the service's own, by their paths.
import { type Route, matchRoute } from "./route";

/**
 * @throws TypeError where two methods are served at one path, where a method would never be served because one before it takes
 * all of its paths, or where a method would answer in the place of one of the service's own, when the Worker starts.
 */
export function checkPaths(compiled: readonly Route[]): void {
  const posts = compiled.filter(({ binding }) => binding.method === "POST");
  const own = posts.filter(({ row }) => row.method);
  const service = posts.filter(({ row }) => !row.method);
  const idByPath = new Map<string, string>();
  for (const { row, template } of own) {
    const { source } = template.regexp;
    const id = idByPath.get(source);
    if (id !== undefined) {
      throw new TypeError(
        `the methods ${id} and ${row.name} are both served at POST ${template.template}; give one of them a path of its own`,
      );
    }
    idByPath.set(source, row.name);
  }
  for (const [place, later] of own.entries()) {
    const earlier = own.slice(0, place).find((route) => examples(later).every((path) => matchRoute(route, path)));
    if (!earlier) continue;
    throw new TypeError(
      `the method ${later.row.name} is never served: ${earlier.row.name} comes before it and takes all paths of ` +
        `POST ${later.template.template} (POST ${earlier.template.template}); put ${later.row.name} first`,
    );
  }
  for (const candidate of own) {
    const shadowed = service.find((route) => overlap(candidate, route));
    if (!shadowed) continue;
    throw new TypeError(
      `the method ${candidate.row.name} is served at POST ${candidate.template.template}, where ` +
        `${shadowed.row.name} of the service is served (POST ${shadowed.template.template}); choose another path or verb`,
    );
  }
}

/** Whether there is a path of one template that the other takes as well: tried with the paths that templates describe. */
function overlap(one: Route, other: Route): boolean {
  return examples(one).some((path) => matchRoute(other, path)) || examples(other).some((path) => matchRoute(one, path));
}

/** Examples of texts that `*` and `**` match. */
const ONE = ["x", "operations", "projects"];
const MANY = [
  "",
  "operations",
  "operations/x",
  "projects/x",
  "projects/x/operations",
  "projects/x/operations/x",
  "projects/x/locations/x/operations/x",
];

function examples({ template: { template } }: Route): string[] {
  const bare = template.replaceAll(/\{[^=}]+=([^}]+)\}/g, "$1").replaceAll(/\{[^}]+\}/g, "*");
  let paths = [bare];
  while (paths.some((path) => path.includes("*"))) {
    paths = paths.flatMap((path) => {
      const place = /\*\*?/.exec(path)?.[0];
      if (place === undefined) return [path];
      return (place === "**" ? MANY : path.split("*").length > 4 ? ["x"] : ONE).map((text) =>
        path.replace(place, text).replaceAll("//", "/"),
      );
    });
  }
  return paths;
}
