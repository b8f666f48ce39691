// The client that `googleapis` makes of /$discovery/rest at run time: a client that has, and calls, all that is described.
import { Discovery } from "googleapis-common";
import { describe, expect, inject, test } from "vitest";

/** `client.projects.locations.operations.get(…)` */
interface Resource {
  [name: string]: Resource;
  (parameters?: object): Promise<{ status: number; data: Record<string, unknown> }>;
}

interface Described {
  methods?: Record<string, unknown>;
  resources?: Record<string, Described>;
}

const address = `${inject("url")}/$discovery/rest?version=v1`;
const discovery = new Discovery({ debug: false, includePrivate: false });
const newClient = await discovery.discoverAPI(address);
const client = newClient({}, undefined as never) as unknown as Resource;
const { operations, projects, echo } = client as unknown as Record<"operations" | "projects" | "echo", Resource>;
const location = "projects/discovered/locations/here";
const inLocation = projects["locations"]!["operations"]!;

/** `["operations.get", …]`: every method of the document. */
function methodPaths({ methods = {}, resources = {} }: Described): string[] {
  const inner = Object.entries(resources).flatMap(([name, resource]) =>
    methodPaths(resource).map((path) => `${name}.${path}`),
  );
  return [...Object.keys(methods), ...inner];
}

async function startedIn(parent: string): Promise<string> {
  const { data } = await inLocation["create"]!({ parent, requestBody: { operation: {} } });
  return data["name"] as string;
}

describe("the client that discoverAPI makes", () => {
  test("has every method of the document", async () => {
    const described = methodPaths((await (await fetch(address)).json()) as Described);
    const functions = described.filter((path) => {
      const found = path.split(".").reduce<Resource | undefined>((resource, name) => resource?.[name], client);
      return typeof found === "function";
    });

    expect(described.length).toBeGreaterThan(40);
    expect(functions).toEqual(described);
  });

  test("starts a method of the deployment, waits for it, and deletes it", async () => {
    const { data: started } = await echo["wait"]!({ requestBody: { ttl: "0.2s", success: { content: "hello" } } });
    const { name } = started as { name: string };

    const { data: done } = await operations["wait"]!({ name, requestBody: { timeout: "20s" } });

    expect(done).toMatchObject({ name, done: true, response: { content: "hello" } });
    expect((await operations["delete"]!({ name })).data).toEqual({});
    await expect(operations["get"]!({ name })).rejects.toMatchObject({ status: 404 });
  });

  test("sends a body that is no JSON as media", async () => {
    const { data: started } = await projects["locations"]!["tables"]!["profile"]!({
      parent: location,
      media: { mimeType: "text/csv", body: "a,b\n1,2\n" },
    });

    const { data: done } = await inLocation["wait"]!({ name: started["name"], requestBody: { timeout: "20s" } });

    expect(done).toMatchObject({ done: true, response: { value: { rowCount: 1, columnCount: 2 } } });
  });

  test("creates, lists, gets, patches and cancels operations under a parent", async () => {
    const parent = "projects/discovered/locations/listed";
    const first = await startedIn(parent);
    const second = await startedIn(parent);

    const { data: page } = await inLocation["list"]!({ name: parent, pageSize: 1 });
    const { data: next } = await inLocation["list"]!({ name: parent, pageSize: 1, pageToken: page["nextPageToken"] });
    await inLocation["patch"]!({
      name: first,
      updateMask: "response",
      requestBody: { response: { "@type": "type.googleapis.com/google.protobuf.Empty" } },
    });
    expect((await inLocation["cancel"]!({ name: second })).data).toEqual({});

    expect([page, next].flatMap(({ operations: listed }) => listed as object[])).toHaveLength(2);
    expect((await inLocation["get"]!({ name: first })).data).toMatchObject({ name: first, done: true });
    expect((await inLocation["get"]!({ name: second })).data).toMatchObject({
      metadata: { value: { requestedCancellation: true } },
    });
  });

  test("gets, sets and tests policies, and keeps the etag", async () => {
    const resource = await startedIn(location);
    const bindings = [{ role: "roles/longrunning.viewer", members: ["allUsers"] }];

    const { data: empty } = await inLocation["getIamPolicy"]!({ resource, requestBody: {} });
    const { data: stored } = await inLocation["setIamPolicy"]!({
      resource,
      requestBody: { policy: { bindings, etag: empty["etag"] } },
    });
    const stale = inLocation["setIamPolicy"]!({ resource, requestBody: { policy: { bindings, etag: empty["etag"] } } });
    const permissions = ["longrunning.operations.get"];

    expect(stored).toMatchObject({ bindings });
    await expect(stale).rejects.toMatchObject({ status: 409 });
    expect((await inLocation["testIamPermissions"]!({ resource, requestBody: { permissions } })).data).toEqual({
      permissions,
    });
  });

  test("lists the declared locations, of which this deployment has none", async () => {
    const locations = projects["locations"]!;

    expect((await locations["list"]!({ name: "projects/discovered" })).data).toEqual({ locations: [] });
    await expect(locations["get"]!({ name: location })).rejects.toMatchObject({ status: 404 });
  });
});
