// A Worker that serves methods of its own as long-running operations, and something besides.
import { operations } from "edge-operations";
import { checkLinks } from "./check-links";
import { deliver } from "./deliver";
import type { Env } from "./env";
import { generateReport } from "./generate-report";
import { download } from "./links";
import { remind } from "./remind";
import { splitTable } from "./split-table";

// The classes of the Durable Objects.
export * from "edge-operations/objects";

const service = operations({ methods: [checkLinks, deliver, generateReport, remind, splitTable] });

export default {
  ...service,
  async fetch(request, env) {
    const url = new URL(request.url);
    return url.pathname.startsWith("/downloads/") ? download(url) : service.fetch(request, env);
  },
} satisfies ExportedHandler<Env>;
