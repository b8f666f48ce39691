// The console's addresses. They stand behind the `#`, so that no address of a page is one of the API.

export type Route =
  | { page: "list"; parent: string; filter: string }
  | { page: "operation"; name: string }
  | { page: "start"; method: string }
  | { page: "unknown"; path: string };

export function routeFromHash(hash: string): Route {
  const [path = "", search = ""] = hash.replace(/^#?\/?/, "").split(/\?(.*)/s);
  const parameters = new URLSearchParams(search);
  const segments = path.split("/").filter(Boolean).map(decoded);
  if (segments.length === 0) return { page: "list", parent: "", filter: parameters.get("filter") ?? "" };
  if (segments[0] === "start" && segments.length === 1)
    return { page: "start", method: parameters.get("method") ?? "" };
  const parent = segments.slice(0, segments.lastIndexOf("operations")).join("/");
  if (segments.at(-1) === "operations") return { page: "list", parent, filter: parameters.get("filter") ?? "" };
  if (segments.at(-2) === "operations") return { page: "operation", name: segments.join("/") };
  return { page: "unknown", path };
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

export function hashFromRoute(route: Route): string {
  switch (route.page) {
    case "list": {
      const path = route.parent === "" ? "operations" : `${route.parent}/operations`;
      return `#/${encoded(path)}${query({ filter: route.filter })}`;
    }
    case "operation":
      return `#/${encoded(route.name)}`;
    case "start":
      return `#/start${query({ method: route.method })}`;
    case "unknown":
      return `#/${route.path}`;
    default:
      return route satisfies never;
  }
}

function encoded(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

function query(parameters: Record<string, string>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== "");
  return given.length === 0 ? "" : `?${new URLSearchParams(given).toString()}`;
}
