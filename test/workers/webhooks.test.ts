// Webhooks of single starts: events of an operation, signed, delivered at least once (docs/webhooks.md).
import { describe, expect, test } from "vitest";
import { aMethod, MAKE } from "./a-deployment";
import { startedFrom, useFreshWorld } from "./harness";
import { SIGNING_KEY, aWebhookDeployment, useReceivers, verify, webhookMessages } from "./webhook-harness";
import type { JsonObject } from "../../src/rpc/any";

useFreshWorld();
const receivers = useReceivers();

const HOOK = "https://hooks.example.com/a";

async function started(service: ReturnType<typeof aWebhookDeployment>, webhookConfig: JsonObject = { uris: [HOOK] }) {
  const { status, headers, json } = await service.call("POST", MAKE, { operationOptions: { webhookConfig } });
  return startedFrom({ status, headers, body: json });
}

describe("webhookConfig", () => {
  test("tells a webhook of the success of its operation, signed by the deployment's key", async () => {
    const service = aWebhookDeployment([aMethod(async () => ({ rows: 7 }))]);
    const operation = await started(service, { uris: [HOOK], userMetadata: { order: 12 } });
    await service.deliver("id");
    await service.deliver("webhooks");

    const [event, ...more] = receivers.current.receivedAt(HOOK);
    expect(more).toEqual([]);
    expect(verify(event!)).toEqual(event!.body);
    expect(() => verify(event!, SIGNING_KEY.replace("YSB", "YSC"))).toThrow("No matching signature");
    const { json } = await service.call("GET", `/v1/${operation.name}`);
    expect(event!.body).toEqual({
      type: "operation.succeeded",
      timestamp: (json["metadata"] as { value: JsonObject }).value["endTime"],
      data: { operation: json, userMetadata: { order: 12 } },
    });
  });

  test("sends no message where no webhook can be for the operation", async () => {
    const service = aWebhookDeployment([aMethod(async () => ({}))]);
    const { status } = await service.call("POST", MAKE, {});
    await service.deliver("id");

    expect([status, webhookMessages()]).toEqual([200, 0]);
  });
});
