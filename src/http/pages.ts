// Pages beside the table: whether the service works, and the documents that describe it, made of the table itself.
import { API_TITLE, type DocumentOptions, discoveryDocument } from "../describe/discovery";
import { openApiDocument } from "../describe/openapi";
import type { ApiMethod } from "../api/method";
import { string } from "../protobuf/fields";
import { message } from "../protobuf/message";
import type { JsonObject } from "../rpc/any";
import { RpcError, invalidArgument } from "../rpc/error";
import { RpcError as OwnRpcError } from "../rpc/own-error";
import { JSON_TYPE } from "./media-type";
import { methodParameters } from "./query";
import { transcode } from "./transcoding";

/**
 * A page that is the same for every caller. The documents need no permission, as Google's do not: they say what may be
 * called, which is in the code and not in the data. A deployment that rejects every call rejects them too.
 */
export interface Page {
  path: RegExp;
  /** Whether it is there whatever the configuration is: for who looks whether the Worker lives. */
  isOpen: boolean;
  respond: (url: URL, checkSetup: () => Promise<readonly string[]>) => Response | Promise<Response>;
}

/** Fails where no call could succeed: 503, by which load balancers and deploy scripts know it. */
export const healthPage: Page = {
  path: /^\/healthz$/,
  isOpen: true,
  respond: async (_, checkSetup) => {
    let warnings: readonly string[];
    try {
      warnings = await checkSetup();
    } catch (error) {
      const { message: text, reason, metadata } = RpcError.from(error);
      throw new OwnRpcError("UNAVAILABLE", text, { reason, metadata, cause: error });
    }
    const health = { status: "SERVING", ...(warnings.length === 0 ? {} : { warnings }) };
    return new Response(JSON.stringify(health), { headers: { "Content-Type": JSON_TYPE } });
  },
};

const DocumentRequest = message("edge_operations.v1.DocumentRequest", { version: string(1) });

/** The versions that are described; `ui`, which clients of Vertex AI ask for, is another door to the first. */
const DESCRIBED_VERSIONS = ["v1", "v1beta1"];

export function descriptionPages(table: readonly ApiMethod[]): Page[] {
  return [
    rootPage(table),
    page(/^\/(?:\$|%24)discovery\/rest$/, (options) => discoveryDocument(table, options)),
    page(/^\/openapi\.json$/, (options) => openApiDocument(table, options)),
  ];
}

/** The root, where neither the console nor the owner's handler is: the addresses that a reader looks for. */
function rootPage(table: readonly ApiMethod[]): Page {
  const methods = table.flatMap(({ http }) =>
    http.map(({ method, template }) => `${method} ${template.replace("{version}", "v1")}`),
  );
  const documents = ["/openapi.json", "/$discovery/rest?version=v1", "/healthz"];
  return { path: /^\/$/, isOpen: false, respond: () => documentResponse({ title: API_TITLE, documents, methods }) };
}

function page(path: RegExp, document: (options: DocumentOptions) => JsonObject): Page {
  return {
    path,
    isOpen: false,
    respond: (url) => documentResponse(document({ origin: url.origin, version: versionOf(url) })),
  };
}

function versionOf(url: URL): string {
  const query = methodParameters(url.searchParams);
  const { version = "" } = transcode({
    pathVariables: {},
    query,
    body: undefined,
    bodyRule: undefined,
    describe: DocumentRequest,
  });
  if (version === "") return "v1";
  if (typeof version === "string" && DESCRIBED_VERSIONS.includes(version)) return version;
  throw invalidArgument([{ field: "version", description: `must be of ${DESCRIBED_VERSIONS.join(", ")}` }]);
}

/**
 * Indented: people read them too. No shared cache may keep one, because it names the address by which it was asked for.
 */
function documentResponse(document: JsonObject): Response {
  const headers = { "Content-Type": JSON_TYPE, "Cache-Control": "private" };
  return new Response(`${JSON.stringify(document, null, 2)}\n`, { headers });
}
