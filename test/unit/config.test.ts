import { describe, expect, test } from "vitest";
import { configFromEnv } from "../../src/config";
import type { Env } from "../../src/env";
import { errorResponse } from "../../src/http/error-response";
import { rpcErrorOf } from "../support/an-rpc-error";

type Variables = Parameters<typeof configFromEnv>[0];

/** Variables as `wrangler` gives them: any text. */
const variables = (values: Partial<Record<keyof Env, string>>): Variables => values as unknown as Variables;

describe("configFromEnv", () => {
  test("rejects every caller and has production's times by default", () => {
    expect(configFromEnv(variables({}))).toMatchObject({
      auth: "none",
      leaseMs: 75_000,
      resendMs: 30_000,
      snapshots: true,
    });
  });

  test("reads an environment once", () => {
    const env = variables({ LEASE_SECONDS: "80" });

    expect(configFromEnv(env)).toBe(configFromEnv(env));
    expect(configFromEnv(variables({ LEASE_SECONDS: "90" }))).toMatchObject({ leaseMs: 90_000 });
  });

  test("treats an empty variable as unset", () => {
    const empty = variables({ AUTH: "", LEASE_SECONDS: "", RESEND_SECONDS: "", KV_SNAPSHOTS: "" });

    expect(configFromEnv(empty)).toEqual(configFromEnv(variables({})));
  });

  test.each<[Partial<Record<keyof Env, string>>, object]>([
    [{ AUTH: "open" }, { auth: "open" }],
    [{ LEASE_SECONDS: "2", AUTH: "open" }, { leaseMs: 2_000 }],
    [{ LEASE_SECONDS: "75" }, { leaseMs: 75_000 }],
    [{ LEASE_SECONDS: "900" }, { leaseMs: 900_000 }],
    [{ RESEND_SECONDS: "1" }, { resendMs: 1_000 }],
    [{ RESEND_SECONDS: "2.5" }, { resendMs: 2_500 }],
    [{}, { emulation: false }],
    [{ EMULATION: "" }, { emulation: false }],
    [{ EMULATION: "off" }, { emulation: false }],
    [{ EMULATION: "on" }, { emulation: true }],
    [{ KV_SNAPSHOTS: "all" }, { snapshots: true }],
    [{ KV_SNAPSHOTS: "off" }, { snapshots: false, finishedReads: "strong" }],
    [{ FINISHED_READS: "strong" }, { finishedReads: "strong" }],
    [{ FINISHED_READS: "edge" }, { finishedReads: "edge" }],
    [{ FINISHED_READS: "" }, { finishedReads: "strong" }],
    [{}, { corsOrigins: [], corsCredentials: false }],
    [{ CORS_ORIGINS: "https://a.example", CORS_CREDENTIALS: "on" }, { corsCredentials: true }],
    [
      { CORS_ORIGINS: "*", CORS_CREDENTIALS: "off" },
      { corsOrigins: "any", corsCredentials: false },
    ],
  ])("reads %j", (values, config) => {
    expect(configFromEnv(variables(values))).toMatchObject(config);
  });

  test.each<[keyof Env, string]>([
    ["AUTH", "Open"],
    ["AUTH", " open"],
    ["AUTH", "none-of-these"],
    ["AUTH", "toString"],
    ["AUTH", "__proto__"],
    // In production its runner's clock stands still while it computes: less than 2 × CPU limit + 15 s may not do.
    ["LEASE_SECONDS", "74"],
    ["LEASE_SECONDS", "1.9"],
    ["LEASE_SECONDS", "901"],
    ["LEASE_SECONDS", "60s"],
    ["LEASE_SECONDS", "-60"],
    ["LEASE_SECONDS", "6e1"],
    ["LEASE_SECONDS", "Infinity"],
    ["LEASE_SECONDS", "NaN"],
    ["RESEND_SECONDS", "0"],
    ["RESEND_SECONDS", "601"],
    ["RESEND_SECONDS", " 3"],
    ["KV_SNAPSHOTS", "true"],
    ["KV_SNAPSHOTS", "ALL"],
    ["CORS_CREDENTIALS", "true"],
    ["EMULATION", "true"],
    ["EMULATION", "On"],
    ["FINISHED_READS", "weak"],
    ["FINISHED_READS", "Edge"],
  ])("rejects %s=%j and names the variable", async (variable, value) => {
    const error = await rpcErrorOf(() => configFromEnv(variables({ [variable]: value })));

    expect(error).toMatchObject({ code: "INTERNAL", reason: "CONFIGURATION_INVALID", metadata: { variable } });
    expect(error.message).toContain(variable);
  });

  test("rejects cookies from pages of every origin", async () => {
    const open = variables({ CORS_ORIGINS: "*", CORS_CREDENTIALS: "on" });

    expect((await rpcErrorOf(() => configFromEnv(open))).message).toContain(
      'CORS_CREDENTIALS can be "on" only where CORS_ORIGINS lists the origins',
    );
  });

  // TOML has numbers, booleans and lists, and wrangler passes them on as they are (cloudflare/workers-sdk 6130).
  test.each<[keyof Env, unknown]>([
    ["CORS_ORIGINS", ["https://app.example.com"]],
    ["CORS_ORIGINS", true],
    ["PAGE_TOKEN_KEYS", ["a"]],
    ["PAGE_TOKEN_KEYS", 1],
    ["KV_SNAPSHOTS", false],
    ["EMULATION", true],
    ["LOG", false],
    ["INDEX_SHARDS", false],
    ["LEASE_SECONDS", false],
    ["MAX_OPERATIONS_PER_CALLER", false],
    ["START_QUOTA", 1_000],
    ["ADMINS", ["user:ada@example.com"]],
  ])("rejects %s of another type, %j, and names the variable", async (variable, value) => {
    const error = await rpcErrorOf(() => configFromEnv(variables({ [variable]: value })));

    expect(error).toMatchObject({ code: "INTERNAL", reason: "CONFIGURATION_INVALID", metadata: { variable } });
  });

  test("accepts numbers as numbers", () => {
    const numbers = { LEASE_SECONDS: 90, INDEX_SHARDS: 4, MAX_OPERATIONS_PER_CALLER: 10 };

    expect(configFromEnv(variables(numbers as never))).toMatchObject({
      leaseMs: 90_000,
      indexShards: 4,
      maxOperationsPerCaller: 10,
    });
  });

  test("accepts a shorter lease in open mode alone, and no shorter than two seconds", async () => {
    const error = await rpcErrorOf(() => configFromEnv(variables({ AUTH: "open", LEASE_SECONDS: "1.9" })));

    expect(error.message).toContain("must be a number of seconds from 2 to 900");
  });

  test("rejects reads from KV if nothing is put there", async () => {
    const error = await rpcErrorOf(() => configFromEnv(variables({ KV_SNAPSHOTS: "off", FINISHED_READS: "edge" })));

    expect(error).toMatchObject({ reason: "CONFIGURATION_INVALID", metadata: { variable: "FINISHED_READS" } });
  });

  // A value in the wrong variable may be a secret.
  test.each<keyof Env>(["AUTH", "LEASE_SECONDS", "RESEND_SECONDS", "KV_SNAPSHOTS", "FINISHED_READS"])(
    "never repeats the value of %s",
    async (variable) => {
      const error = await rpcErrorOf(() => configFromEnv(variables({ [variable]: "hunter2" })));
      const answer = await errorResponse(error, { domain: "api.example", requestId: "1" }).text();

      expect(answer).not.toContain("hunter2");
    },
  );
});
