import { describe, expect, test } from "vitest";
import { compileRoutes, matchRoute } from "../../../src/http/route";
import { apiMethods } from "../../../src/api/methods";
import type { JsonObject } from "../../../src/rpc/any";
import { describedMethods } from "./described-methods";
import { type Answer, ORIGIN, call, documentAt, methodsOfDiscovery, operationsOfOpenApi } from "./documents";

type Schemas = Record<string, JsonObject>;

const discoveryDocument = await documentAt("/$discovery/rest?version=v1");
const discovery = methodsOfDiscovery(discoveryDocument);
const discoverySchemas = discoveryDocument["schemas"] as Schemas;
const openApiDocument = await documentAt("/openapi.json");
// A path that is not a method of the service is not a route.
const openApi = operationsOfOpenApi(openApiDocument).filter(({ path }) => path !== "/healthz");
const { schemas: openApiSchemas } = openApiDocument["components"] as { schemas: Schemas };
const table = apiMethods(describedMethods);
const bindings = table.flatMap(({ http }) => http);

/**
 * The disagreement of an answer with the description: no such route, parameter or field. Other errors are the method's
 * own.
 */
function contradictions({ status, reason, json }: Answer): unknown[] {
  const unknown = JSON.stringify(json).match(/unknown (query parameter|field)[^"]*/g) ?? [];
  return [...unknown, ...(reason === "ROUTE_NOT_FOUND" || status === 405 ? [status] : [])];
}

/** A body that has every field of a schema, and no value. */
function everyField(schemas: Record<string, JsonObject>, ref: string | undefined): string {
  const { properties = {} } = schemas[ref?.split("/").at(-1) ?? ""] ?? {};
  return JSON.stringify(Object.fromEntries(Object.keys(properties as object).map((field) => [field, null])));
}

describe("the service accepts every described method, parameter and field", () => {
  test.each(discovery.map((method) => [method.id, method] as const))("discovery: %s", async (_, method) => {
    const { parameters, httpMethod, request, mediaUpload } = method;
    // The first of its patterns, with an id for each segment that is one.
    const valueOf = (name: string) => parameters[name]!.pattern!.split("|")[0]!.slice(1, -1).replaceAll("[^/]+", "x");
    const path = method.path.replaceAll(/\{\+?([\w.]+)\}/g, (__, name: string) => valueOf(name));
    const query = Object.keys(parameters).filter((name) => parameters[name]?.location === "query");

    const answer = await call({
      method: httpMethod,
      url: `${ORIGIN}/${path}?${query.map((name) => `${name}=`).join("&")}`,
      headers: { "Content-Type": mediaUpload?.accept[0] ?? "application/json" },
      body: mediaUpload ? "a,b\n" : request && everyField(discoverySchemas, request.$ref),
    });

    expect(contradictions(answer)).toEqual([]);
  });

  test.each(openApi.map((one) => [`${one.method} ${one.path}`, one] as const))("OpenAPI: %s", async (_, one) => {
    const query = one.operation.parameters.filter((parameter) => parameter.in === "query");
    const [[type, { schema }] = ["", { schema: {} }]] = Object.entries(one.operation.requestBody?.content ?? {});

    const answer = await call({
      method: one.method,
      url: `${ORIGIN}${one.path.replaceAll(/\{\w+\}/g, "x")}?${query.map(({ name }) => `${name}=`).join("&")}`,
      headers: { "Content-Type": type === "" ? "application/json" : type },
      body: type === "" ? undefined : type.endsWith("json") ? everyField(openApiSchemas, schema.$ref) : "a,b\n",
    });

    expect(contradictions(answer)).toEqual([]);
  });
});

describe("every served route is described", () => {
  const compiled = compileRoutes(table);
  /** The route that the door would take. */
  const routeOf = (method: string, path: string) =>
    compiled.find((one) => one.binding.method === method && matchRoute(one, path))?.binding;

  test("in the OpenAPI document", () => {
    const described = openApi.map(({ method, path }) => routeOf(method, path.replaceAll(/\{\w+\}/g, "x")));

    expect(new Set(described)).toEqual(new Set(bindings));
  });

  test("in the discovery document, but for additional bindings", () => {
    const described = discovery.map(({ httpMethod, flatPath }) =>
      routeOf(httpMethod, `/${flatPath.replaceAll(/\{\w+\}/g, "x")}`),
    );

    expect(new Set(described)).toEqual(
      new Set(table.flatMap(({ http }) => http.filter(({ method }) => method === http[0].method))),
    );
  });
});
