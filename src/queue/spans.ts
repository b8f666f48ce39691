// Custom spans of the platform's traces (docs/operations.md): around each attempt and each step.
import * as platform from "cloudflare:workers";

import type { SpanAttributes } from "./run-platform";

/** Runs work within a span; without one where the runtime has no tracing. */
export function inSpan<T>(name: string, attributes: SpanAttributes, work: () => Promise<T>): Promise<T> {
  const { tracing } = platform as Partial<Pick<typeof platform, "tracing">>;
  if (!tracing) return work();
  return tracing.enterSpan(name, (span) => {
    // Most requests are not sampled.
    if (span.isTraced) span.setAttributes(attributes);
    return work();
  });
}
