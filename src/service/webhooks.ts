// Registered webhooks: create, get, list, update, delete, ping, and the rotation of a secret (docs/webhooks.md).
import { formatTimestampMs } from "../aip/timestamp";
import { MAX_DISPLAY_NAME_CHARACTERS } from "../authentication/limits";
import { WEBHOOK_STATES, type StoredWebhook, type WebhookState } from "../contract/webhook";
import { ROOT, isOperation, policyResources } from "../iam/policy-resources";
import { MAX_WEBHOOKS, SECRET_OVERLAP_MS } from "../webhook/limits";
import { Violations } from "../rpc/decode";
import { RpcError, invalidArgument, notFound } from "../rpc/error";
import { secretFromBytes } from "../webhook/signature";
import type { WebhookPort } from "./webhook-port";

/** The events of operations. */
const EVENT_TYPES = ["operation.succeeded", "operation.failed", "operation.cancelled", "operation.suspended"];
const PING = "webhook.ping";

/** A webhook as a client sends it: what the service says of it is ignored. */
export interface SentWebhook {
  uri?: string;
  subscribedEvents?: readonly string[];
  displayName?: string;
  state?: string;
}

export interface Webhook {
  name: string;
  uri: string;
  subscribedEvents: string[];
  state: WebhookState;
  displayName: string;
  createTime: string;
  updateTime: string;
  failingSinceTime?: string;
  signingSecret?: string;
}

/** The name of a webhook: `{parent}/webhooks/{id}`; `webhooks/{id}` at the root. */
export function webhookName(parent: string, id: string): string {
  return parent === "" ? `webhooks/${id}` : `${parent}/webhooks/${id}`;
}

/** The resources whose webhooks are for the operations of a parent, the nearest first: itself, and what is above it. */
export function webhookResources(parent: string): string[] {
  return policyResources(parent);
}

/** The secrets that sign now, the present one first. */
export function secretsOf({ secret, earlierSecret, earlierSecretEndTime = 0 }: StoredWebhook, now: number): string[] {
  return earlierSecret !== undefined && now < earlierSecretEndTime ? [secret, earlierSecret] : [secret];
}

export async function createWebhook(
  port: WebhookPort,
  parent: string,
  sent: SentWebhook,
  now: number,
): Promise<Webhook> {
  const resource = resourceOf(parent);
  const fields = checkedFields(sent, ["uri", "subscribedEvents", "displayName", "state"], port);
  const created: StoredWebhook = {
    id: hexOf(port.randomBytes()).slice(0, 24),
    uri: fields.uri ?? "",
    subscribedEvents: fields.subscribedEvents ?? [],
    displayName: fields.displayName ?? "",
    state: fields.state ?? "ENABLED",
    secret: secretFromBytes(port.randomBytes()),
    createTime: now,
    updateTime: now,
  };
  await port.change(resource, (webhooks) => {
    // Its answer was lost, and the change is made again.
    if (webhooks.some(({ id }) => id === created.id)) return [...webhooks];
    if (webhooks.length >= MAX_WEBHOOKS) throw tooManyWebhooks(parent);
    return [...webhooks, created];
  });
  return { ...webhookFromStored(parent, created), signingSecret: created.secret };
}

export async function listWebhooks(port: WebhookPort, parent: string): Promise<{ webhooks: Webhook[] }> {
  const webhooks = await port.read(resourceOf(parent));
  return { webhooks: webhooks.map((webhook) => webhookFromStored(parent, webhook)) };
}

export async function getWebhook(port: WebhookPort, parent: string, name: string): Promise<Webhook> {
  return webhookFromStored(parent, await found(port, parent, name));
}

export async function updateWebhook(
  port: WebhookPort,
  {
    parent,
    name,
    webhook,
    updateMask,
    now,
  }: { parent: string; name: string; webhook: SentWebhook; updateMask: string; now: number },
): Promise<Webhook> {
  const paths = pathsOf(webhook, updateMask);
  const fields = checkedFields(webhook, paths, port);
  const changed = await changeOne(port, { parent, name }, (stored) => {
    const { failingSinceTime: _, ...others } = stored;
    // Another receiver, or another chance for the same: the failures before say nothing of it.
    const isFresh = fields.uri !== undefined || fields.state === "ENABLED";
    return { ...(isFresh ? others : stored), ...fields, updateTime: now };
  });
  return webhookFromStored(parent, changed);
}

export async function deleteWebhook(port: WebhookPort, parent: string, name: string): Promise<void> {
  const { id } = await found(port, parent, name);
  await port.change(resourceOf(parent), (webhooks) => webhooks.filter((webhook) => webhook.id !== id));
}

export async function rotateSigningSecret(
  port: WebhookPort,
  parent: string,
  name: string,
  now: number,
): Promise<{ signingSecret: string }> {
  const signingSecret = secretFromBytes(port.randomBytes());
  await changeOne(port, { parent, name }, (stored) =>
    // Its answer was lost, and the change is made again.
    stored.secret === signingSecret
      ? stored
      : {
          ...stored,
          secret: signingSecret,
          earlierSecret: stored.secret,
          earlierSecretEndTime: now + SECRET_OVERLAP_MS,
          updateTime: now,
        },
  );
  return { signingSecret };
}

/** One try, whatever the state of the webhook: so a receiver is tried before it is enabled. */
export async function pingWebhook(
  port: WebhookPort,
  parent: string,
  name: string,
  now: number,
): Promise<{ delivered: boolean; httpStatus?: number; problem?: string }> {
  const webhook = await found(port, parent, name);
  const problem = port.uriProblem(webhook.uri);
  if (problem !== undefined) return { delivered: false, problem: `the URI ${problem}` };
  const body = JSON.stringify({ type: PING, timestamp: formatTimestampMs(now), data: { webhook: name } });
  const id = `evt_${hexOf(port.randomBytes())}`;
  const tried = await port.send({ id, body, uri: webhook.uri, secrets: secretsOf(webhook, now) });
  return {
    delivered: tried.isDelivered,
    ...(tried.status === undefined ? {} : { httpStatus: tried.status }),
    ...(tried.problem === undefined ? {} : { problem: tried.problem }),
  };
}

/** The resource that has the webhooks of a parent. */
function resourceOf(parent: string): string {
  const resource = parent === "" ? ROOT : parent;
  if (!isOperation(resource) && policyResources(resource)[0] === resource) return resource;
  const description = `a webhook is registered at the root, or at a parent that can have a policy, not at ${JSON.stringify(parent)}`;
  throw invalidArgument([{ field: "parent", description }]);
}

async function found(port: WebhookPort, parent: string, name: string): Promise<StoredWebhook> {
  const webhooks = await port.read(resourceOf(parent));
  const webhook = webhooks.find(({ id }) => webhookName(parent, id) === name);
  if (webhook) return webhook;
  throw notFound("Webhook", name);
}

async function changeOne(
  port: WebhookPort,
  { parent, name }: { parent: string; name: string },
  change: (webhook: StoredWebhook) => StoredWebhook,
): Promise<StoredWebhook> {
  const isMeant = ({ id }: StoredWebhook): boolean => webhookName(parent, id) === name;
  const changed = await port.change(resourceOf(parent), (webhooks) => {
    if (!webhooks.some(isMeant)) throw notFound("Webhook", name);
    return webhooks.map((webhook) => (isMeant(webhook) ? change(webhook) : webhook));
  });
  const webhook = changed.find(isMeant);
  if (webhook) return webhook;
  throw notFound("Webhook", name);
}

const PATHS = ["uri", "subscribedEvents", "displayName", "state"] as const;
type Path = (typeof PATHS)[number];

function pathsOf(webhook: SentWebhook, updateMask: string): readonly Path[] {
  if (updateMask === "") return PATHS.filter((path) => webhook[path] !== undefined);
  const paths = updateMask.split(",");
  const unknown = paths.find((path) => !PATHS.some((known) => known === path));
  if (unknown === undefined) return paths as Path[];
  const description = `can name ${PATHS.join(", ")}, not ${JSON.stringify(unknown)}`;
  throw invalidArgument([{ field: "updateMask", description }]);
}

/** The fields that `paths` name. A field that is named and absent is given its default. */
function checkedFields(
  { uri = "", subscribedEvents = [], displayName = "", state = "ENABLED" }: SentWebhook,
  paths: readonly Path[],
  { uriProblem }: Pick<WebhookPort, "uriProblem">,
): Partial<Pick<StoredWebhook, Path>> {
  const violations = new Violations();
  const at = (path: Path): string => `webhook.${path}`;
  const fields: Partial<Pick<StoredWebhook, Path>> = {};
  for (const path of paths) {
    switch (path) {
      case "uri": {
        const problem = uriProblem(uri);
        if (problem !== undefined) violations.add(at(path), problem);
        fields.uri = uri;
        break;
      }
      case "subscribedEvents": {
        const unknown = subscribedEvents.find((type) => !EVENT_TYPES.includes(type));
        if (unknown !== undefined)
          violations.add(at(path), `has ${JSON.stringify(unknown)}; events are ${EVENT_TYPES.join(", ")}`);
        fields.subscribedEvents = [...new Set(subscribedEvents)];
        break;
      }
      case "displayName":
        if (displayName.length > MAX_DISPLAY_NAME_CHARACTERS)
          violations.add(at(path), `must be a text of at most ${MAX_DISPLAY_NAME_CHARACTERS} characters`);
        fields.displayName = displayName;
        break;
      case "state":
        if (state !== "ENABLED" && state !== "DISABLED")
          violations.add(at(path), "must be ENABLED or DISABLED; the service itself disables what fails");
        fields.state = WEBHOOK_STATES.find((known) => known === state) ?? "ENABLED";
        break;
      default:
        path satisfies never;
    }
  }
  violations.throwIfAny();
  return fields;
}

function webhookFromStored(parent: string, webhook: StoredWebhook): Webhook {
  const { id, uri, subscribedEvents, state, displayName, createTime, updateTime, failingSinceTime } = webhook;
  return {
    name: webhookName(parent, id),
    uri,
    subscribedEvents,
    state,
    displayName,
    createTime: formatTimestampMs(createTime),
    updateTime: formatTimestampMs(updateTime),
    ...(failingSinceTime === undefined ? {} : { failingSinceTime: formatTimestampMs(failingSinceTime) }),
  };
}

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function tooManyWebhooks(parent: string): RpcError {
  const message = `The limit of ${MAX_WEBHOOKS} webhooks of one parent is reached. Delete one that is not needed.`;
  return new RpcError("RESOURCE_EXHAUSTED", message, { reason: "TOO_MANY_WEBHOOKS", metadata: { parent } });
}
