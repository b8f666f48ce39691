// The one answer to who may not: the same whether or not the resource exists (AIP-211).
import { RpcError } from "../rpc/error";
import type { Permission } from "./permissions";
import { type Principal, isAnonymous } from "./principal";

/** What a 401 tells a client to send (RFC 6750, section 3: no error code where there were no credentials). */
export const WWW_AUTHENTICATE = 'Bearer realm="operations"';

/** The answer to a caller that is no administrator of the deployment: no role holds what it asked for. */
export function administratorDenial(principal: Pick<Principal, "id">): RpcError {
  const message = "API keys are administered by the members of ADMINS and by administrators' keys.";
  if (!isAnonymous(principal)) return new RpcError("PERMISSION_DENIED", message, { reason: "NOT_AN_ADMINISTRATOR" });
  return new RpcError("UNAUTHENTICATED", message, {
    reason: "CREDENTIALS_MISSING",
    headers: { "WWW-Authenticate": WWW_AUTHENTICATE },
  });
}

/** 403; for a caller without credentials 401, since there may be some that would do. */
export function denial(principal: Pick<Principal, "id">, permission: Permission, resource: string): RpcError {
  const message = `Permission '${permission}' denied on resource '${resource}' (or it might not exist).`;
  const metadata = { permission, resource };
  if (!isAnonymous(principal)) {
    return new RpcError("PERMISSION_DENIED", message, { reason: "IAM_PERMISSION_DENIED", metadata });
  }
  return new RpcError(
    "UNAUTHENTICATED",
    `${message} The request has no credentials: send "Authorization: Bearer TOKEN", or an API key in "x-goog-api-key".`,
    {
      reason: "CREDENTIALS_MISSING",
      metadata,
      headers: { "WWW-Authenticate": WWW_AUTHENTICATE },
    },
  );
}
