// The configuration of webhooks, and the webhooks of one start.
import { describe, expect, test } from "vitest";
import { secretFromBytes } from "../../../src/webhook/signature";
import { checkWebhookConfig, hostsFrom, signingKeysFrom } from "../../../src/webhook/webhook-config";
import { RpcError } from "../../../src/rpc/error";

const KEY = secretFromBytes(new Uint8Array(32).fill(1));
const NEXT = secretFromBytes(new Uint8Array(32).fill(2));

function errorOf(act: () => unknown): RpcError {
  try {
    act();
  } catch (error) {
    if (error instanceof RpcError) return error;
  }
  throw new Error("no RpcError was thrown");
}

describe("WEBHOOK_SIGNING_KEYS", () => {
  test.each([
    [undefined, []],
    ["", []],
    [KEY, [KEY]],
    [`${KEY},${NEXT}`, [KEY, NEXT]],
    [` ${KEY}\n${NEXT}\n`, [KEY, NEXT]],
  ])("reads %j", (value, keys) => {
    expect(signingKeysFrom(value)).toEqual(keys);
  });

  test.each(["hunter2hunter2", `${KEY},${NEXT},${KEY}`, `${KEY};${NEXT}`, KEY.slice(0, 20), 7, [KEY]])(
    "rejects %j, without repeating it",
    (value) => {
      const error = errorOf(() => signingKeysFrom(value));

      expect([error.reason, error.metadata["variable"]]).toEqual(["CONFIGURATION_INVALID", "WEBHOOK_SIGNING_KEYS"]);
      expect(error.message).not.toContain(String(value));
    },
  );
});

describe("WEBHOOK_HOSTS", () => {
  test.each([
    [undefined, undefined],
    ["", undefined],
    ["hooks.shop.com", ["hooks.shop.com"]],
    ["Hooks.Shop.com, *.shop.io", ["hooks.shop.com", "*.shop.io"]],
  ])("reads %j", (value, hosts) => {
    expect(hostsFrom(value)).toEqual(hosts);
  });

  test.each(["*", "https://hooks.shop.com", "localhost", "hooks.shop.com,", ["hooks.shop.com"]])(
    "rejects %j",
    (value) => {
      expect(errorOf(() => hostsFrom(value)).metadata["variable"]).toBe("WEBHOOK_HOSTS");
    },
  );
});

describe("checkWebhookConfig", () => {
  const rules = { signingKeys: [KEY], uriProblem: (uri: string) => (uri.includes("bad") ? "is bad" : undefined) };
  const uris = ["https://a.shop.com", "https://b.shop.com", "https://c.shop.com", "https://d.shop.com"];
  const violations = (config: object, given = rules): object[] =>
    errorOf(() => checkWebhookConfig(config, given)).details.flatMap(
      (detail) => (detail as { fieldViolations?: object[] }).fieldViolations ?? [],
    );
  const at = "operationOptions.webhookConfig";

  test("allows four URIs and 4 KiB of data", () => {
    expect(() => checkWebhookConfig({ uris, userMetadata: { a: "x".repeat(4_088) } }, rules)).not.toThrow();
  });

  test.each([
    [{}, `${at}.uris`, "must be 1 to 4 URIs"],
    [{ uris: [] }, `${at}.uris`, "must be 1 to 4 URIs"],
    [{ uris: [...uris, "https://e.shop.com"] }, `${at}.uris`, "must be 1 to 4 URIs"],
    [{ uris: ["https://a.shop.com", "https://bad.shop.com"] }, `${at}.uris[1]`, "is bad"],
    [{ uris: ["https://a.shop.com", "https://a.shop.com"] }, `${at}.uris[1]`, "is there twice"],
    [{ uris, userMetadata: { a: "x".repeat(4_089) } }, `${at}.userMetadata`, "has more than 4096 bytes of JSON"],
    [{ uris, userMetadata: { a: "é".repeat(2_048) } }, `${at}.userMetadata`, "has more than 4096 bytes of JSON"],
  ])("rejects %j", (config, field, description) => {
    expect(violations(config)).toEqual([{ field, description }]);
  });

  test("rejects any webhook if the deployment has no signing key", () => {
    expect(violations({ uris }, { ...rules, signingKeys: [] })).toEqual([
      {
        field: at,
        description: "cannot be given: the deployment has no WEBHOOK_SIGNING_KEYS to sign its events with",
      },
    ]);
  });
});
