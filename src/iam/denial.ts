// The one answer to a caller without permission. It is the same whether or not the resource exists (AIP-211).
import { RpcError } from "../rpc/error";
import type { Permission } from "./permissions";
import { type Principal, isAnonymous } from "./principal";

/** The challenge of a 401 (RFC 6750, section 3: no error code for a request without credentials). */
export const WWW_AUTHENTICATE = 'Bearer realm="operations"';

/** The answer to a caller that is not an administrator of the deployment. No role grants these calls. */
export function administratorDenial(principal: Pick<Principal, "id">): RpcError {
  const message = "API keys are administered by the members of ADMINS and by administrators' keys.";
  if (!isAnonymous(principal)) return new RpcError("PERMISSION_DENIED", message, { reason: "NOT_AN_ADMINISTRATOR" });
  return new RpcError("UNAUTHENTICATED", message, {
    reason: "CREDENTIALS_MISSING",
    headers: { "WWW-Authenticate": WWW_AUTHENTICATE },
  });
}

/** 403 for a link that is not, or not any more, that of a suspension. */
export function linkDenial(): RpcError {
  return new RpcError(
    "PERMISSION_DENIED",
    "The link is not valid: it is incomplete, or its suspension does not exist.",
    {
      reason: "LINK_INVALID",
    },
  );
}

/** 403. A caller without credentials gets 401, because other credentials may be allowed. */
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
