// messages:deliver: sends one message to several addresses, each once. Its request is a zod schema.
import { RpcError, defineMethod } from "edge-operations";
import { z } from "zod";

export const deliver = defineMethod({
  http: { post: "/v1/{parent=projects/*}/messages:deliver", body: "*" },
  request: z.strictObject({
    parent: z.string(),
    text: z.string().min(1),
    urls: z.array(z.url()).min(1).max(100),
  }),
  timeout: "6h",
  retry: { maxAttempts: 8, initialBackoff: "2s" },
  async run({ text, urls }, op) {
    const statuses: number[] = [];
    for (const [index, url] of urls.entries()) {
      const status = await Promise.race([
        // Stored once it has returned: no later attempt sends this one again.
        op.step(`deliver ${index}`, () => post(url, text, op.signal)),
        // A server that does not answer within a minute is given up.
        op.sleep(`time limit ${index}`, "1m").then(() => 504),
      ]);
      statuses.push(status);
      op.progress({ delivered: statuses.length, progressPercent: (100 * statuses.length) / urls.length });
    }
    return { statuses, attempts: op.attempt };
  },
});

async function post(url: string, text: string, signal: AbortSignal): Promise<number> {
  const response = await fetch(url, { method: "POST", body: text, signal });
  await response.body?.cancel();
  // Tried again, with the steps before it as they are.
  if (response.status >= 500) throw new Error(`${url} answered ${response.status}`);
  // Ends the operation with exactly this Status.
  if (!response.ok) throw new RpcError("FAILED_PRECONDITION", `${url} refused the message: ${response.status}.`);
  return response.status;
}
