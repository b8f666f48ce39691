import { describe, expect, test } from "vitest";
import { defineMethod } from "../../../src/method/define-method";
import type { MethodDeclaration } from "../../../src/method/method";
import type { JsonObject } from "../../../src/rpc/any";

type Declaration = MethodDeclaration<JsonObject>;

const aDeclaration = (overrides: Partial<Declaration> = {}): Declaration => ({
  http: { post: "/v1/{parent=projects/*/locations/*}/tables:profile", body: "*" },
  request: (json) => json,
  run: async () => ({}),
  ...overrides,
});

/** A declaration as it may come from JavaScript. */
const untyped = (overrides: object): Declaration => aDeclaration(overrides);

describe("defineMethod", () => {
  test("has defaults for everything but the binding, the request and the work", () => {
    expect(defineMethod(aDeclaration())).toMatchObject({
      id: "tables:profile",
      version: "1",
      verb: "profile",
      responseType: "google.protobuf.Struct",
      metadataType: undefined,
      timeoutMs: 3_600_000,
      policy: {
        graceMs: 30_000,
        retentionMs: 30 * 86_400_000,
        maxAttempts: 5,
        initialBackoffMs: 1_000,
        maxBackoffMs: 600_000,
        backoffMultiplier: 2,
      },
    });
  });

  test("uses the declared options", () => {
    const method = defineMethod(
      aDeclaration({
        id: "profile",
        version: "7",
        responseType: "acme.v1.Profile",
        metadataType: "acme.v1.Progress",
        timeout: "90s",
        gracePeriod: "0s",
        retention: "1m",
        retry: { maxAttempts: 1, initialBackoff: "0s", maxBackoff: "250ms", backoffMultiplier: 1 },
      }),
    );

    expect(method).toMatchObject({
      id: "profile",
      version: "7",
      responseType: "acme.v1.Profile",
      metadataType: "acme.v1.Progress",
      timeoutMs: 90_000,
      policy: { graceMs: 0, retentionMs: 60_000, maxAttempts: 1, initialBackoffMs: 0, maxBackoffMs: 250 },
    });
  });

  test.each([
    ["/v1/echo:wait", "echo:wait", "wait"],
    ["/v1/{parent=projects/*}/tables:profile", "tables:profile", "profile"],
    ["/v1/{parent=projects/*}/tables", "tables", "create"],
    ["/v1/{name=projects/*/tables/*}:export", ":export", "export"],
  ])("gives the method of %s the id %s and the verb %s", (post, id, verb) => {
    expect(defineMethod(aDeclaration({ http: { post, body: "*" } }))).toMatchObject({ id, verb });
  });

  test.each<[string, object]>([
    ["timeout", { timeout: "an hour" }],
    ["timeout", { timeout: "" }],
    ["timeout", { timeout: "-1h" }],
    ["timeout", { timeout: "0s" }],
    ["timeout", { timeout: "367d" }],
    ["timeout", { timeout: 60 }],
    ["queue", { queue: "" }],
    ["queue", { queue: "transcode-jobs" }],
    ["queue", { queue: 2 }],
    ["gracePeriod", { gracePeriod: "16m" }],
    ["gracePeriod", { gracePeriod: "soon" }],
    ["retention", { retention: "59s" }],
    ["retention", { retention: "3661d" }],
    ["retry.maxAttempts", { retry: { maxAttempts: 0 } }],
    ["retry.maxAttempts", { retry: { maxAttempts: 101 } }],
    ["retry.maxAttempts", { retry: { maxAttempts: Number.NaN } }],
    ["retry.maxAttempts", { retry: { maxAttempts: 2.5 } }],
    ["retry.initialBackoff", { retry: { initialBackoff: "1" } }],
    ["retry.initialBackoff", { retry: { initialBackoff: "400d" } }],
    ["retry.maxBackoff", { retry: { maxBackoff: "1 m" } }],
    ["retry.maxBackoff", { retry: { initialBackoff: "1m", maxBackoff: "1s" } }],
    ['retry.maxAttempts is "3"', { retry: { maxAttempts: "3" } }],
    ["retry.backoffMultiplier", { retry: { backoffMultiplier: 0.5 } }],
    ["retry.backoffMultiplier", { retry: { backoffMultiplier: 11 } }],
    ["retry.backoffMultiplier", { retry: { backoffMultiplier: Number.NaN } }],
    ["responseType", { responseType: "type.googleapis.com/acme.v1.Profile" }],
    ["responseType", { responseType: "" }],
    ["metadataType", { metadataType: "acme.v1." }],
    ["attemptTimeout", { attemptTimeout: "0s" }],
    ["attemptTimeout", { attemptTimeout: "long" }],
    ["usualDuration", { usualDuration: "a while" }],
    ["usualDuration", { usualDuration: "367d" }],
    ["usualDuration", { usualDuration: 60 }],
  ])("rejects a wrong %s and names it: %j", (option, overrides) => {
    expect(() => defineMethod(untyped(overrides))).toThrow(TypeError);
    expect(() => defineMethod(untyped(overrides))).toThrow(`method tables:profile: ${option}`);
  });

  test.each([
    ["20m", undefined, 1_200_000, 1_200_000],
    [undefined, "0s", 1_000, 0],
    ["5s", "5s", 5_000, 5_000],
  ] as const)("waits %s at first and %s at most", (initialBackoff, maxBackoff, initialBackoffMs, maxBackoffMs) => {
    const retry = { ...(initialBackoff && { initialBackoff }), ...(maxBackoff && { maxBackoff }) };

    expect(defineMethod(aDeclaration({ retry })).policy).toMatchObject({ initialBackoffMs, maxBackoffMs });
  });

  test("treats a declared Struct as the default metadata, which is one", () => {
    expect(defineMethod(aDeclaration({ metadataType: "google.protobuf.Struct" })).metadataType).toBeUndefined();
  });

  test("rejects a malformed binding, and names the position", () => {
    expect(() => defineMethod(aDeclaration({ http: { post: "/v1/{parent" } }))).toThrow(/"\/v1\/{parent".* at 3/);
  });

  test("decodes the request again for every use, because an attempt may run newer code than the start", async () => {
    const seen: JsonObject[] = [];
    const method = defineMethod(
      aDeclaration({
        request: (json) => ({ ...json, decoded: true }),
        initialMetadata: (request) => ({ request }),
        run: async (request) => {
          seen.push(request);
          return {};
        },
      }),
    );
    const prepared = await method.prepare({ a: 1 }, { createTime: new Date(0) });
    await method.run({ a: 2 }, {} as never);

    expect(prepared).toMatchObject({ metadata: { request: { a: 1, decoded: true } }, immediate: undefined });
    expect(seen).toEqual([{ a: 2, decoded: true }]);
  });

  test.each<[unknown, number | undefined]>([
    [undefined, undefined],
    ["90s", 90_000],
    [(request: JsonObject) => `${Number(request["rows"])}ms`, 250],
  ])("prepares a start with the usual duration: %s", async (usualDuration, usualDurationMs) => {
    const method = defineMethod(untyped({ usualDuration }));

    const prepared = await method.prepare({ rows: 250 }, { createTime: new Date(0) });

    expect(prepared.usualDurationMs).toBe(usualDurationMs);
  });

  test("names usualDuration if its function returns no duration", async () => {
    const method = defineMethod(untyped({ usualDuration: () => "soon" }));

    await expect(method.prepare({}, { createTime: new Date(0) })).rejects.toThrow(
      "method tables:profile: usualDuration",
    );
  });
});
