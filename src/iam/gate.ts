// The gate before every API call: a deployment is closed until its configuration says who may call it.
import { RpcError } from "../rpc/error";

/** Throws PERMISSION_DENIED if no authentication is configured and the deployment is not declared open. */
export function passGate(config: { auth: string }): void {
  if (config.auth === "open") return;
  throw new RpcError(
    "PERMISSION_DENIED",
    "This deployment has no authentication configured and refuses every call. To let everyone in, as on a laptop, set " +
      'the variable AUTH to "open" (wrangler dev --var AUTH:open).',
    { reason: "AUTHENTICATION_NOT_CONFIGURED" },
  );
}
