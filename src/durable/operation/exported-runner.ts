// The runner entrypoint of this Worker, without a binding: https://developers.cloudflare.com/workers/runtime-apis/context/#exports
import * as platform from "cloudflare:workers";
import { type DirectRunner, RUNNER_EXPORT } from "../../contract/direct-run";

/** undefined: the main module does not export it, or the compatibility date is older than `exports`. */
export function exportedRunner(): DirectRunner | undefined {
  const { exports: own } = platform as { exports?: Record<string, unknown> };
  return own?.[RUNNER_EXPORT] as DirectRunner | undefined;
}
