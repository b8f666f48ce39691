// The Worker's own variables, beside those of the library.
import type { Env as OperationsEnv } from "edge-operations";

export interface Env extends OperationsEnv {
  /** Signs the session cookies: `npx wrangler secret put SESSION_SECRET`. */
  SESSION_SECRET: string;
}
