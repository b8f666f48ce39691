// The routes of a deployment, from its discovery documents: a route that is added is fuzzed from then on.

/** A JSON schema, as far as discovery documents have it. */
export interface Schema {
  type?: string;
  $ref?: string;
  format?: string;
  enum?: string[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema;
  items?: Schema;
}

export interface ServedRoute {
  id: string;
  httpMethod: string;
  /** `/v1/projects/{projectsId}/operations/{operationsId}:cancel` */
  flatPath: string;
  /** Query parameters of the method's own. */
  query: [name: string, schema: Schema][];
  /** The body's type; undefined where none is read, or where it is no JSON. */
  request: string | undefined;
  /** Types of a body that is taken as it comes. */
  accept: string[];
}

export interface Served {
  routes: ServedRoute[];
  schemas: Record<string, Schema>;
}

interface DiscoveryMethod {
  id: string;
  httpMethod: string;
  flatPath: string;
  parameters?: Record<string, Schema & { location: string }>;
  request?: { $ref: string };
  mediaUpload?: { accept: string[] };
}

interface DiscoveryResource {
  methods?: Record<string, DiscoveryMethod>;
  resources?: Record<string, DiscoveryResource>;
}

const VERSIONS = ["v1", "v1beta1"];

/** The routes of all versions. Routes that are no methods of the API are named here: the pages. */
export async function servedRoutes(url: string): Promise<Served> {
  const served: Served = { routes: PAGES.map((path) => pageRoute(path)), schemas: {} };
  for (const version of VERSIONS) {
    const response = await fetch(`${url}/$discovery/rest?version=${version}`);
    if (response.status !== 200) throw new Error(`no discovery document: ${response.status} ${await response.text()}`);
    const document = (await response.json()) as DiscoveryResource & { schemas: Record<string, Schema> };
    Object.assign(served.schemas, document.schemas);
    served.routes.push(...methodsOf(document).map((method) => routeFromMethod(method)));
  }
  return served;
}

const PAGES = ["/healthz", "/$discovery/rest", "/openapi.json"];

function pageRoute(path: string): ServedRoute {
  return {
    id: path,
    httpMethod: "GET",
    flatPath: path,
    query: [["version", { type: "string" }]],
    request: undefined,
    accept: [],
  };
}

function methodsOf({ methods = {}, resources = {} }: DiscoveryResource): DiscoveryMethod[] {
  return [...Object.values(methods), ...Object.values(resources).flatMap((resource) => methodsOf(resource))];
}

function routeFromMethod({
  id,
  httpMethod,
  flatPath,
  parameters = {},
  request,
  mediaUpload,
}: DiscoveryMethod): ServedRoute {
  return {
    id,
    httpMethod,
    flatPath: `/${flatPath}`,
    query: Object.entries(parameters).filter(([, { location }]) => location === "query"),
    request: request?.$ref,
    accept: mediaUpload?.accept ?? [],
  };
}
