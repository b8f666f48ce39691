import { describe, expect, test } from "vitest";
import { echoWait } from "../../../src/worker/echo-wait";
import { copyTable } from "./described-methods";
import { ORIGIN, call, documentAt, methodsOfDiscovery, refsIn } from "./documents";

const document = await documentAt("/$discovery/rest?version=v1");
const schemas = document["schemas"] as Record<string, { id: string; properties?: Record<string, unknown> }>;
const methodById = new Map(methodsOfDiscovery(document).map((method) => [method.id, method]));

describe("the discovery document", () => {
  test("has its own kind and the address of the service", () => {
    expect(document).toMatchObject({
      kind: "discovery#restDescription",
      discoveryVersion: "v1",
      id: "longrunning:v1",
      version: "v1",
      protocol: "rest",
      rootUrl: `${ORIGIN}/`,
      servicePath: "",
    });
  });

  test.each(["operations", "projects.operations", "projects.locations.operations", "projects.regions.operations"])(
    "has every method of %s",
    (resource) => {
      const ids = [...methodById.keys()].filter((id) => new RegExp(`^longrunning\\.${resource}\\.[^.]+$`).test(id));
      const methods = ids.map((id) => id.slice(id.lastIndexOf(".") + 1));

      expect(methods.toSorted()).toEqual(
        [
          "cancel",
          "cancelMatching",
          "create",
          "delete",
          "explain",
          "get",
          "getIamPolicy",
          "list",
          "patch",
          "purge",
          "retry",
          "retryMatching",
          "setIamPolicy",
          "testIamPermissions",
        ]
          .concat("wait", "watch")
          .toSorted(),
      );
    },
  );

  test("has one method for each resource of a name: its pattern, its path with and without variables", () => {
    expect(methodById.get("longrunning.projects.locations.operations.cancel")).toMatchObject({
      path: "v1/{+name}:cancel",
      flatPath: "v1/projects/{projectsId}/locations/{locationsId}/operations/{operationsId}:cancel",
      httpMethod: "POST",
      parameters: {
        name: {
          type: "string",
          location: "path",
          required: true,
          pattern: "^projects/[^/]+/locations/[^/]+/operations/[^/]+$",
        },
      },
      parameterOrder: ["name"],
      request: { $ref: "CancelOperationRequest" },
      response: { $ref: "Empty" },
    });
  });

  test("has the policy of the root and those of its operations as one method", () => {
    expect(methodById.get("longrunning.operations.setIamPolicy")?.parameters["resource"]?.pattern).toBe(
      "^operations/[^/]+$|^operations$",
    );
  });

  test("has the operations of every parent that a method names", () => {
    expect(methodById.get("longrunning.projects.datasets.operations.get")?.parameters["name"]?.pattern).toBe(
      "^projects/[^/]+/datasets/[^/]+/operations/[^/]+$",
    );
  });

  test("has the fields of a list in the query", () => {
    expect(methodById.get("longrunning.projects.operations.list")?.parameters).toMatchObject({
      name: { location: "path", pattern: "^projects/[^/]+$" },
      filter: { location: "query", type: "string" },
      pageSize: { location: "query", type: "integer", format: "int32" },
      returnPartialSuccess: { location: "query", type: "boolean" },
    });
  });

  test("has a method whose body is one field, and its other fields in the query", () => {
    const method = methodById.get("longrunning.projects.locations.tables.copy");

    expect(method?.request).toEqual({ $ref: "Column" });
    expect(Object.keys(method?.parameters ?? {})).toEqual([
      "name",
      "requestId",
      "validateOnly",
      "operationOptions.scheduleTime",
      "operationOptions.priority",
      "operationOptions.webhookConfig.uris",
      "mode",
      "options.maxRows",
      "options.tags",
      "oldName",
    ]);
    expect(method?.parameters).toMatchObject({
      name: { description: "The source of the copy." },
      mode: { type: "string", enum: ["MODE_UNSPECIFIED", "FAST"], description: "Faster or not." },
      "options.maxRows": { type: "string", format: "int64" },
      "options.tags": { type: "string", repeated: true },
      oldName: { deprecated: true },
    });
  });

  test("describes a body that is not JSON as media", () => {
    expect(methodById.get("longrunning.projects.locations.tables.profile")).toMatchObject({
      supportsMediaUpload: true,
      mediaUpload: {
        accept: ["text/csv"],
        protocols: { simple: { multipart: false, path: "/v1/{+parent}/tables:profile" } },
      },
    });
  });

  test("has a method whose request is not declared, under its own version", () => {
    expect(methodById.get("longrunning.things.create")).toMatchObject({
      path: "v7/things",
      request: { $ref: "JsonObject" },
    });
  });

  test("has a schema for every name that it refers to", () => {
    expect(refsIn(document).filter((ref) => !Object.hasOwn(schemas, ref))).toEqual([]);
  });

  test("has the messages of the methods, and Google's under their short names", () => {
    expect(Object.keys(schemas)).toEqual(expect.arrayContaining(["WaitRequest", "WaitResponse", "WaitMetadata"]));
    expect(Object.keys(schemas["Policy"]?.properties ?? {})).toEqual(["version", "bindings", "auditConfigs", "etag"]);
    expect(Object.keys(schemas["ExampleCopiesV1Policy"]?.properties ?? {})).toEqual(["text"]);
  });

  test("has no schema that no method declares", async () => {
    const { schemas: few } = (await documentAt("/$discovery/rest?version=v1", [echoWait])) as { schemas: object };

    expect(Object.keys(few)).not.toContain("Column");
    expect(Object.keys(few)).not.toContain("JsonObject");
  });

  test("has the paths of the requested version", async () => {
    const beta = methodsOfDiscovery(await documentAt("/$discovery/rest?version=v1beta1", [copyTable]));

    expect(beta.filter(({ path }) => !path.startsWith("v1beta1/"))).toEqual([]);
    expect(beta.length).toBeGreaterThan(40);
  });

  test.each(["/$discovery/rest", "/%24discovery/rest?version=v1", "/$discovery/rest?version=v1&$.xgafv=2"])(
    "is served at %s",
    async (path) => {
      expect(await documentAt(path)).toEqual(document);
    },
  );

  test.each([
    ["?version=v2", ["version"]],
    ["?version=ui", ["version"]],
    ["?version=v1&version=v1", ["version"]],
    ["?frob=1", ["frob"]],
  ])("is not served with %s, naming %j", async (search, fields) => {
    const answer = await call({ method: "GET", url: `${ORIGIN}/$discovery/rest${search}` });

    expect(answer).toMatchObject({ status: 400, json: { error: { status: "INVALID_ARGUMENT" } }, fields });
  });

  test.each(["/$discovery/rest", "/openapi.json"])("accepts GET alone at %s", async (path) => {
    expect(await call({ method: "POST", url: `${ORIGIN}${path}` })).toMatchObject({
      status: 405,
      reason: "METHOD_NOT_ALLOWED",
    });
  });
});
