// The documents that describe the service, made of the very routes that serve it, so that they cannot disagree.
import { type DocumentOptions, discoveryDocument } from "../describe/discovery";
import { openApiDocument } from "../describe/openapi";
import type { JsonObject } from "../rpc/any";
import { invalidArgument } from "../rpc/error";
import { JSON_TYPE } from "./media-type";
import { parseQuery } from "./query";
import type { Route } from "./route";

/**
 * A page that is the same for every caller. The documents need no permission, as Google's do not: they say what may be
 * called, which is in the code and not in the data. A deployment that refuses every call refuses them too.
 */
export interface Page {
  path: RegExp;
  /** Whether it is there whatever the configuration is: for who looks whether the Worker lives. */
  isOpen: boolean;
  respond: (url: URL, checkSetup: () => void) => Response;
}

/** The versions that are described; `ui`, which clients of Vertex AI ask for, is another door to the first. */
const DESCRIBED_VERSIONS = ["v1", "v1beta1"];

export function descriptionPages(routes: readonly Route[]): Page[] {
  return [
    page(/^\/(?:\$|%24)discovery\/rest$/, (options) => discoveryDocument(routes, options)),
    page(/^\/openapi\.json$/, (options) => openApiDocument(routes, options)),
  ];
}

function page(path: RegExp, document: (options: DocumentOptions) => JsonObject): Page {
  return {
    path,
    isOpen: false,
    respond: (url) => documentResponse(document({ origin: url.origin, version: versionOf(url) })),
  };
}

function versionOf(url: URL): string {
  const { version = "" } = parseQuery(url.searchParams, ["version"]);
  if (version === "") return "v1";
  if (DESCRIBED_VERSIONS.includes(version)) return version;
  throw invalidArgument([{ field: "version", description: `must be of ${DESCRIBED_VERSIONS.join(", ")}` }]);
}

/** Indented: people read them too. */
function documentResponse(document: JsonObject): Response {
  return new Response(`${JSON.stringify(document, null, 2)}\n`, { headers: { "Content-Type": JSON_TYPE } });
}
