// The bindings and variables of this Worker: the library's, and its own.
import { env as workerEnv } from "cloudflare:workers";
import type { Env as OperationsEnv } from "edge-operations";

export interface Env extends OperationsEnv {
  REPORTS: R2Bucket;
  /** Signs download links: `wrangler secret put LINK_SECRET`. */
  LINK_SECRET: string;
}

export const env = workerEnv as unknown as Env;
