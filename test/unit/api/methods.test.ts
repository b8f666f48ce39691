// The table of methods: what a row says of its binding, its request and its permission fits together.
import { describe, expect, test } from "vitest";
import { apiMethods } from "../../../src/api/methods";
import { webhookMethods } from "../../../src/api/webhooks";
import { permissions } from "../../../src/iam/permissions";
import { fieldAtPath } from "../../../src/protobuf/field-path";
import { echoWait } from "../../../src/worker/echo-wait";

const table = [...apiMethods([echoWait]), ...webhookMethods];
const own = table.filter(({ method }) => !method);
const byName = own.map((row) => [row.name, row] as const);

test("each method of the specification has one row", () => {
  expect(new Set(table.map(({ name }) => name)).size).toBe(table.length);
  expect(own.length).toBeGreaterThan(14);
});

test("the rows ask for every permission, and for no other", () => {
  const asked = table.flatMap((row) => (row.on === "everyone" || row.on === "deployment" ? [] : [row.permission]));

  expect(new Set(asked)).toEqual(new Set(permissions));
});

/** The parts that a template needs for a permission to be checked on it. */
const NAMED = {
  operation: /\/\{(?:name|parent)=\*\*\/operations\/\*(?:\/suspensions\/\*)?\}/,
  parent: /\/(?:(?:\{parent=\*\*\}\/)?(?:operations|webhooks)|scopes|\{name=\*\*\/webhooks\/\*\}(?::\w+)?)$/,
  parents: /\/(?:\{name=\*\*\}\/)?operations$/,
  resource: /\/\{resource=\*\*\}:/,
  deployment: /\/(?:apiKeys|\{name=apiKeys\/\*\}:revoke)$/,
  everyone: /\{(?:name|resource)=/,
} as const;

describe("a row of the service", () => {
  test.each(byName)("%s asks for its permission on the resource of its path", (_, { on, http }) => {
    for (const { template } of http) expect(template).toMatch(NAMED[on]);
  });

  test.each(byName)("%s has the fields of its bindings in its request", (_, { http, query = [], starts, request }) => {
    const bodies = http.flatMap(({ body }) => (body === undefined || body === "*" ? [] : [body]));
    const paths = [...query, ...bodies, ...(starts ? ["requestId", "validateOnly"] : [])];

    expect(paths.filter((path) => fieldAtPath(request!, path.split(".")) === undefined)).toEqual([]);
  });

  test.each(byName)("%s reads a body only where its HTTP method has one", (_, { http }) => {
    const without = http.filter(({ method }) => method === "GET" || method === "DELETE");

    expect(without.filter(({ body }) => body !== undefined)).toEqual([]);
  });
});
