// Sends one event to one webhook, once. The headers are those of Standard Webhooks; nothing of the API's own goes along.
import { WEBHOOK_TRY_MS } from "../webhook/limits";
import type { OutgoingEvent, Try } from "../service/webhook-port";
import { signatures } from "../webhook/signature";

export async function sendEvent({ id, body, uri, secrets }: OutgoingEvent): Promise<Try> {
  const beginTime = Date.now();
  const timestamp = Math.floor(beginTime / 1_000);
  const signature = await signatures(secrets, { id, timestamp, body });
  const answered = await post(uri, body, {
    "Content-Type": "application/json",
    "User-Agent": "edge-operations-webhooks/1",
    "webhook-id": id,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": signature,
  });
  return { ...answered, durationMs: Date.now() - beginTime };
}

async function post(uri: string, body: string, headers: Record<string, string>): Promise<Omit<Try, "durationMs">> {
  try {
    const signal = AbortSignal.timeout(WEBHOOK_TRY_MS);
    const response = await fetch(uri, { method: "POST", headers, body, redirect: "manual", signal });
    const { status } = response;
    // The body is not read: it says nothing that counts, and may have no end.
    await response.body?.cancel();
    if (response.ok) return { isDelivered: true, status };
    const problem = status >= 300 && status < 400 ? "a redirect, which is not followed" : `the answer ${status}`;
    return { isDelivered: false, status, problem };
  } catch (error) {
    // The error's own text may repeat the URI.
    const isTimeout = error instanceof Error && error.name === "TimeoutError";
    return { isDelivered: false, problem: isTimeout ? "no answer in time" : "no connection" };
  }
}
