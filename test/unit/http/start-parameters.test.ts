import { describe, expect, test } from "vitest";
import { startParameters } from "../../../src/http/start-parameters";
import type { JsonObject } from "../../../src/rpc/any";
import { rpcErrorOf, violatedFields } from "../../support/an-rpc-error";

const NOW = Date.parse("2026-11-27T12:00:00Z");
const LATER = "2026-12-01T00:00:00Z";

const split = (query: string, body: JsonObject = {}) => startParameters(new URLSearchParams(query), body, NOW);
const optionsOf = (query: string, body?: JsonObject) => split(query, body).start.operationOptions;
const labels = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`l${index}`, "x"]));

describe("operationOptions", () => {
  test.each<[query: string, body: JsonObject, settings: object]>([
    ["", {}, {}],
    ["", { operationOptions: {} }, {}],
    ["", { operationOptions: null }, {}],
    ["", { operationOptions: { priority: 0, labels: {} } }, {}],
    ["", { operationOptions: { labels: { env: "prod" } } }, { labels: { env: "prod" } }],
    ["", { operation_options: { labels: { env: "" } } }, { labels: { env: "" } }],
    ["operationOptions.labels.env=prod", {}, { labels: { env: "prod" } }],
    ["operation_options.labels.a-b_c=1-2", {}, { labels: { "a-b_c": "1-2" } }],
    [
      "operationOptions.labels.env=prod",
      { operationOptions: { labels: { team: "x" }, priority: 2 } },
      { labels: { team: "x", env: "prod" }, priority: 2 },
    ],
    [
      "operationOptions.labels.env=prod&operationOptions.labels.env=prod",
      { operation_options: { labels: { env: "prod" } } },
      { labels: { env: "prod" } },
    ],
    [`operationOptions.scheduleTime=${LATER}`, {}, { scheduleTime: Date.parse(LATER) }],
    [
      `operationOptions.scheduleTime=${LATER}`,
      { operationOptions: { scheduleTime: LATER } },
      { scheduleTime: Date.parse(LATER) },
    ],
    ["", { operationOptions: { scheduleTime: "2020-01-01T00:00:00Z" } }, { scheduleTime: Date.UTC(2020, 0) }],
    ["", { operationOptions: { scheduleTime: "2027-11-28T12:00:00Z" } }, { scheduleTime: NOW + 366 * 86_400_000 }],
    ["operationOptions.priority=-5", {}, { priority: -5 }],
    ["", { operationOptions: { labels: labels(64) } }, { labels: labels(64) }],
  ])("in the query %j and the body %j are read", (query, body, settings) => {
    expect(optionsOf(query, body)).toEqual(settings);
  });

  test.each<[query: string, body: JsonObject, fields: string[]]>([
    ["", { operationOptions: "fast" }, ["operationOptions"]],
    ["", { operationOptions: { label: {} } }, ["operationOptions.label"]],
    ["operationOptions.later=1", {}, ["operationOptions.later"]],
    ["", { operationOptions: { labels: { Env: "x" } } }, ["operationOptions.labels"]],
    ["", { operationOptions: { labels: { "": "x" } } }, ["operationOptions.labels"]],
    ["", { operationOptions: { labels: { "1a": "x" } } }, ["operationOptions.labels"]],
    ["", { operationOptions: { labels: { ["a".repeat(64)]: "x" } } }, ["operationOptions.labels"]],
    ["", { operationOptions: { labels: { env: "Prod" } } }, ["operationOptions.labels.env"]],
    ["", { operationOptions: { labels: { env: "x".repeat(64) } } }, ["operationOptions.labels.env"]],
    ["", { operationOptions: { labels: { env: 1 } } }, ["operationOptions.labels.env"]],
    ["", { operationOptions: { labels: labels(65) } }, ["operationOptions.labels"]],
    ["operationOptions.labels.env=a&operationOptions.labels.env=b", {}, ["operationOptions.labels.env"]],
    ["operationOptions.labels.env=a", { operationOptions: { labels: { env: "b" } } }, ["operationOptions.labels.env"]],
    ["operationOptions.labels.env=a", { operationOptions: { labels: "all" } }, ["operationOptions.labels"]],
    ["", { operationOptions: { scheduleTime: "soon" } }, ["operationOptions.scheduleTime"]],
    ["", { operationOptions: { scheduleTime: "2027-11-28T12:00:01Z" } }, ["operationOptions.scheduleTime"]],
    [
      `operationOptions.scheduleTime=${LATER}`,
      { operationOptions: { scheduleTime: "2026-12-02T00:00:00Z" } },
      ["operationOptions.scheduleTime"],
    ],
    ["", { operationOptions: { priority: 1.5 } }, ["operationOptions.priority"]],
    ["operationOptions.priority=high", {}, ["operationOptions.priority"]],
    ["operationOptions.priority=1", { operationOptions: { priority: 2 } }, ["operationOptions.priority"]],
  ])("in the query %j and the body %j are INVALID_ARGUMENT", async (query, body, fields) => {
    const error = await rpcErrorOf(() => split(query, body));

    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(violatedFields(error.details)).toEqual(fields);
  });

  test("are not part of the method's own request", () => {
    const { query, rest } = split("rows=7&operationOptions.labels.env=x&requestId=a", {
      operationOptions: { priority: 1 },
      table: "t",
    });

    expect([...query]).toEqual([["rows", "7"]]);
    expect(rest).toEqual({ table: "t" });
  });
});
