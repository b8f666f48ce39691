// The configuration of webhooks: WEBHOOK_SIGNING_KEYS and WEBHOOK_HOSTS; and the check of a start's own webhooks.
import type { WebhookConfig } from "../lifecycle/record";
import { MAX_START_WEBHOOKS, MAX_USER_METADATA_BYTES } from "./limits";
import { Violations } from "../rpc/decode";
import { misconfigured } from "../rpc/error";
import { fitsUtf8 } from "../rpc/utf8";
import { secretBytes } from "./signature";
import { isHostEntry } from "./uri-check";

/** The keys that sign the events of a start's own webhooks. Empty: starts can have none. */
export function signingKeysFrom(value: unknown): readonly string[] {
  if (value === undefined || value === "") return [];
  const keys = typeof value === "string" ? value.trim().split(/[\s,]+/) : [];
  if (keys.length >= 1 && keys.length <= 2 && keys.every((key) => secretBytes(key))) return keys;
  throw misconfigured(
    "WEBHOOK_SIGNING_KEYS",
    "must be one or two secrets, each whsec_ and 24 to 64 bytes in base64, the present one first, divided by a comma",
  );
}

/** undefined: every public host is allowed. */
export function hostsFrom(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === "") return undefined;
  const hosts = typeof value === "string" ? value.split(",").map((host) => host.trim().toLowerCase()) : [""];
  if (hosts.every(isHostEntry)) return hosts;
  throw misconfigured(
    "WEBHOOK_HOSTS",
    'must be hosts like "hooks.example.com", "*.example.com" or "hooks.example.com:9443", divided by commas',
  );
}

const FIELD = "operationOptions.webhookConfig";

/** @throws RpcError INVALID_ARGUMENT naming each part that is wrong. */
export function checkWebhookConfig(
  { uris = [], userMetadata = {} }: WebhookConfig,
  { signingKeys, uriProblem }: { signingKeys: readonly string[]; uriProblem: (uri: string) => string | undefined },
): void {
  const violations = new Violations();
  if (signingKeys.length === 0)
    violations.add(FIELD, "cannot be given: the deployment has no WEBHOOK_SIGNING_KEYS to sign its events with");
  if (uris.length === 0 || uris.length > MAX_START_WEBHOOKS)
    violations.add(`${FIELD}.uris`, `must be 1 to ${MAX_START_WEBHOOKS} URIs`);
  for (const [index, uri] of uris.slice(0, MAX_START_WEBHOOKS).entries()) {
    const problem = uriProblem(uri) ?? (uris.indexOf(uri) < index ? "is there twice" : undefined);
    if (problem !== undefined) violations.add(`${FIELD}.uris[${index}]`, problem);
  }
  if (!fitsUtf8(JSON.stringify(userMetadata), MAX_USER_METADATA_BYTES))
    violations.add(`${FIELD}.userMetadata`, `has more than ${MAX_USER_METADATA_BYTES} bytes of JSON`);
  violations.throwIfAny();
}
