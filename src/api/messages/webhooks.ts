// Messages of webhooks: {parent}/webhooks (docs/webhooks.md).
import { bool, enumeration, fieldMask, int32, messageField, repeated, string, timestamp } from "../../protobuf/fields";
import { enumType } from "../../protobuf/enum-type";
import { message } from "../../protobuf/message";

const WebhookState = enumType(
  "edge_operations.v1.WebhookState",
  { WEBHOOK_STATE_UNSPECIFIED: 0, ENABLED: 1, DISABLED: 2, DISABLED_DUE_TO_FAILED_DELIVERIES: 3 },
  {
    descriptions: {
      DISABLED: "Somebody has disabled it.",
      DISABLED_DUE_TO_FAILED_DELIVERIES:
        "Every try of 24 hours has failed, or its receiver has answered 410 (Gone). Set the state to ENABLED to continue.",
    },
  },
);

export const Webhook = message(
  "edge_operations.v1.Webhook",
  {
    name: string(1, { description: "`{parent}/webhooks/{webhook}`" }),
    uri: string(2, { description: "The receiver of the events, by https." }),
    subscribedEvents: repeated(
      string(3, {
        description:
          "`operation.succeeded`, `operation.failed`, `operation.cancelled`, `operation.suspended`. Empty: all of them.",
      }),
    ),
    state: enumeration(4, WebhookState),
    displayName: string(5),
    createTime: timestamp(6),
    updateTime: timestamp(7),
    failingSinceTime: timestamp(8, {
      description: "The time since which every try has failed. Absent if the latest did not.",
    }),
    signingSecret: string(9, {
      description:
        "The secret by which the receiver verifies events (Standard Webhooks). Only the answer to its creation has it.",
    }),
  },
  { description: "A receiver of the events of all operations at and below a parent." },
);

const name = string(1, { description: "`{parent}/webhooks/{webhook}`" });

export const CreateWebhookRequest = message("edge_operations.v1.CreateWebhookRequest", {
  parent: string(1),
  webhook: messageField(2, Webhook, { required: true }),
});

export const GetWebhookRequest = message("edge_operations.v1.GetWebhookRequest", { name });

export const ListWebhooksRequest = message("edge_operations.v1.ListWebhooksRequest", { parent: string(1) });

export const ListWebhooksResponse = message("edge_operations.v1.ListWebhooksResponse", {
  webhooks: repeated(messageField(1, Webhook, { description: "All of the parent's own, the oldest first." })),
});

export const UpdateWebhookRequest = message("edge_operations.v1.UpdateWebhookRequest", {
  name,
  webhook: messageField(2, Webhook, { required: true }),
  updateMask: fieldMask(3, {
    description: "Of `uri`, `subscribedEvents`, `displayName` and `state`. By default the fields of the body.",
  }),
});

export const DeleteWebhookRequest = message("edge_operations.v1.DeleteWebhookRequest", { name });

export const PingWebhookRequest = message("edge_operations.v1.PingWebhookRequest", { name });

export const PingWebhookResponse = message("edge_operations.v1.PingWebhookResponse", {
  delivered: bool(1, { description: "Whether the receiver has answered with a status of 2xx within 10 s." }),
  httpStatus: int32(2, { description: "Absent without an answer." }),
  problem: string(3, { description: "The error, if it was not delivered." }),
});

export const RotateSigningSecretRequest = message("edge_operations.v1.RotateSigningSecretRequest", { name });

export const RotateSigningSecretResponse = message("edge_operations.v1.RotateSigningSecretResponse", {
  signingSecret: string(1, {
    description: "The new secret, in this answer alone. The old one signs along for 24 hours.",
  }),
});
