// links:check: asks many addresses for their state, a few at a time, each as a step.
import { defineMethod } from "edge-operations";
import { z } from "zod";

export const checkLinks = defineMethod({
  http: { post: "/v1/{parent=projects/*}/links:check", body: "*" },
  request: z.strictObject({ parent: z.string(), urls: z.array(z.url()).min(1).max(5_000) }),
  timeout: "6h",
  async run({ urls }, op) {
    const statuses = await op.map(urls, (url, { signal }) => statusOf(url, signal), {
      concurrency: 4,
      key: (_url, index) => `check ${index}`,
      retry: { maxAttempts: 3 },
      timeout: "20s",
    });
    return { broken: urls.filter((_url, index) => statuses[index] !== 200) };
  },
});

async function statusOf(url: string, signal: AbortSignal): Promise<number> {
  const { status } = await fetch(url, { method: "HEAD", signal });
  // Tried again. After the last try the operation's attempt has failed, and the next one asks the addresses that are left.
  if (status >= 500) throw new Error(`${url} answered ${status}`);
  return status;
}
