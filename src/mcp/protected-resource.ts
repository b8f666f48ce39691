// OAuth 2.0 Protected Resource Metadata (RFC 9728): a client without credentials learns here who gives it some.
// https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization
import { MCP_PATH } from "./protocol";

const WELL_KNOWN = "/.well-known/oauth-protected-resource";

/** "inserting a well-known URI path suffix between the host component and the path": the resource is the endpoint. */
export const METADATA_PATHS: readonly string[] = [WELL_KNOWN + MCP_PATH, WELL_KNOWN];

export function protectedResourceMetadata(origin: string, issuers: readonly string[], name: string): Response {
  const metadata = {
    resource: origin + MCP_PATH,
    // "Clients MUST use one of the authorization servers." Without one, a deployment's keys are given out by hand.
    ...(issuers.length > 0 ? { authorization_servers: issuers } : {}),
    bearer_methods_supported: ["header"],
    resource_name: name,
  };
  const headers = {
    "Content-Type": "application/json",
    "Cache-Control": "max-age=300",
    "Access-Control-Allow-Origin": "*",
  };
  return new Response(JSON.stringify(metadata), { headers });
}

/** The challenge of a 401 (RFC 9728, section 5.1): as the service says it, and where the metadata is. */
export function challenge(origin: string, own: string | undefined): string {
  const parameter = `resource_metadata="${origin}${METADATA_PATHS[0]}"`;
  if (own === undefined || !/^Bearer\b/.test(own)) return `Bearer ${parameter}`;
  return own === "Bearer" ? `Bearer ${parameter}` : `${own}, ${parameter}`;
}
