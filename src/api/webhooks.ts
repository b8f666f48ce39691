// Webhooks: the registered ones, each at its parent (docs/webhooks.md). They are served where `webhooks()` is given.
import {
  createWebhook,
  deleteWebhook,
  getWebhook,
  listWebhooks,
  pingWebhook,
  rotateSigningSecret,
  updateWebhook,
} from "../service/webhooks";
import type { WebhookPort } from "../service/webhook-port";
import type { Call } from "./call";
import { Empty } from "./messages/longrunning";
import {
  CreateWebhookRequest,
  DeleteWebhookRequest,
  GetWebhookRequest,
  ListWebhooksRequest,
  ListWebhooksResponse,
  PingWebhookRequest,
  PingWebhookResponse,
  RotateSigningSecretRequest,
  RotateSigningSecretResponse,
  UpdateWebhookRequest,
  Webhook,
} from "./messages/webhooks";
import { type ApiMethod, apiMethod } from "./method";

function portOf({ service: { webhooks } }: Call): WebhookPort {
  if (!webhooks) throw new TypeError("the rows of webhooks are served without their port");
  return webhooks;
}

export const webhookMethods: readonly ApiMethod[] = [
  apiMethod({
    name: "edge_operations.v1.Webhooks.CreateWebhook",
    description: "Registers a webhook. Its `signingSecret` is in this answer alone.",
    http: [
      { method: "POST", template: "/{version}/webhooks", body: "webhook" },
      { method: "POST", template: "/{version}/{parent=**}/webhooks", body: "webhook" },
    ],
    request: CreateWebhookRequest,
    response: Webhook,
    permission: "longrunning.webhooks.manage",
    on: "parent",
    handle: async ({ webhook }, call) => {
      const created = await createWebhook(portOf(call), call.resource, webhook, call.service.now());
      call.notes.resource = created.name;
      return created;
    },
  }),
  apiMethod({
    name: "edge_operations.v1.Webhooks.ListWebhooks",
    description: "Lists the webhooks of a parent, not those above it.",
    http: [
      { method: "GET", template: "/{version}/webhooks" },
      { method: "GET", template: "/{version}/{parent=**}/webhooks" },
    ],
    request: ListWebhooksRequest,
    response: ListWebhooksResponse,
    permission: "longrunning.webhooks.list",
    on: "parent",
    handle: (_, call) => listWebhooks(portOf(call), call.resource),
  }),
  apiMethod({
    name: "edge_operations.v1.Webhooks.GetWebhook",
    description: "Gets a webhook.",
    http: [{ method: "GET", template: "/{version}/{name=**/webhooks/*}" }],
    request: GetWebhookRequest,
    response: Webhook,
    permission: "longrunning.webhooks.get",
    on: "parent",
    handle: ({ name = "" }, call) => getWebhook(portOf(call), call.resource, name),
  }),
  apiMethod({
    name: "edge_operations.v1.Webhooks.UpdateWebhook",
    description: "Changes a webhook. One that is ENABLED again begins with the next event.",
    http: [{ method: "PATCH", template: "/{version}/{name=**/webhooks/*}", body: "webhook" }],
    request: UpdateWebhookRequest,
    response: Webhook,
    permission: "longrunning.webhooks.manage",
    on: "parent",
    handle: ({ name = "", webhook, updateMask = "" }, call) =>
      updateWebhook(portOf(call), { parent: call.resource, name, webhook, updateMask, now: call.service.now() }),
  }),
  apiMethod({
    name: "edge_operations.v1.Webhooks.DeleteWebhook",
    description: "Deletes a webhook. Events that it has not received are dropped.",
    http: [{ method: "DELETE", template: "/{version}/{name=**/webhooks/*}" }],
    request: DeleteWebhookRequest,
    response: Empty,
    permission: "longrunning.webhooks.manage",
    on: "parent",
    handle: async ({ name = "" }, call) => {
      await deleteWebhook(portOf(call), call.resource, name);
      return {};
    },
  }),
  apiMethod({
    name: "edge_operations.v1.Webhooks.PingWebhook",
    description: "Sends the event `webhook.ping` to a webhook, once, and returns the outcome.",
    http: [{ method: "POST", template: "/{version}/{name=**/webhooks/*}:ping", body: "*" }],
    request: PingWebhookRequest,
    response: PingWebhookResponse,
    permission: "longrunning.webhooks.manage",
    on: "parent",
    handle: ({ name = "" }, call) => pingWebhook(portOf(call), call.resource, name, call.service.now()),
  }),
  apiMethod({
    name: "edge_operations.v1.Webhooks.RotateSigningSecret",
    description: "Gives a webhook a new secret. The old one signs along for 24 hours.",
    http: [{ method: "POST", template: "/{version}/{name=**/webhooks/*}:rotateSigningSecret", body: "*" }],
    request: RotateSigningSecretRequest,
    response: RotateSigningSecretResponse,
    permission: "longrunning.webhooks.manage",
    on: "parent",
    handle: ({ name = "" }, call) => rotateSigningSecret(portOf(call), call.resource, name, call.service.now()),
  }),
];
