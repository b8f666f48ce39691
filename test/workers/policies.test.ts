// Policies at work: racing writers, how soon a change holds, conditions, anonymous callers, and the audit lines.
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import type { Binding } from "../../src/iam/policy";
import { echoWait } from "../../src/worker/echo-wait";
import type { JsonObject } from "../../src/rpc/any";
import { eventually } from "../support/eventually";
import { aMethod, objectOf } from "./a-deployment";
import {
  type Credential,
  adminKeyCredential,
  aGuardedDeployment,
  logged,
  memberOf,
  noCredential,
  useGuardedWorld,
  userOf,
} from "./access-harness";
import { clock } from "./clock";
import { type Started, openSockets, useFreshWorld } from "./harness";

useGuardedWorld();
useFreshWorld();

const VIEWER = "roles/longrunning.viewer";
const INVOKER = "roles/longrunning.invoker";
const deployment = aGuardedDeployment({ methods: [echoWait, aMethod(async () => ({}))] });
const { call, asAdmin, bind, apiKey } = deployment;

let worlds = 0;

// The cache of an isolate outlives a test, and its clock never goes back.
beforeEach(() => {
  worlds += 1;
  clock.advance(worlds * 40 * 86_400_000);
});

let projects = 0;

/** An isolate remembers policies from test to test: each has parents of its own. */
function aParent(): string {
  projects += 1;
  return `projects/policies-${projects}`;
}

async function anOperation(parent = aParent()): Promise<string> {
  return (await asAdmin("POST", `/v1/${parent}/operations`, {}))["name"] as string;
}

function viewersOf(...names: string[]) {
  return [{ role: VIEWER, members: names.map(memberOf) }];
}

const statusOf = async (credential: Credential, name: string): Promise<number> =>
  (await call(credential, "GET", `/v1/${name}`)).status;

/** Sets a parent's policy as another isolate would, of which this one hears nothing. */
async function bindElsewhere(parent: string, bindings: readonly Binding[]): Promise<void> {
  await env.POLICIES.getByName(parent).set({ bindings, version: 1 });
}

interface PolicyJson extends JsonObject {
  bindings: { role: string; members: string[] }[];
  etag: string;
}

/** All come at once; of those that were too late, this many try again at the same time. */
const RETRIES_AT_ONCE = 10;
let retrying = 0;

/** Adds a member as RFC 9110 and Google's documentation have it: read, change, write with the etag, again if it is stale. */
async function addMember(resource: string, member: string): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    if (tries === 2) {
      await eventually(() => retrying < RETRIES_AT_ONCE, { timeoutMs: 30_000 });
      retrying += 1;
    }
    const read = await call(adminKeyCredential, "GET", `/v1/${resource}:getIamPolicy`);
    const { bindings, etag } = read.json as PolicyJson;
    const members = [...(bindings[0]?.members ?? []), member];
    const policy = { bindings: [{ role: VIEWER, members }], etag };
    const { status, text } = await call(adminKeyCredential, "POST", `/v1/${resource}:setIamPolicy`, { policy });
    if (status === 200) {
      if (tries > 1) retrying -= 1;
      return tries;
    }
    if (status !== 409) throw new Error(text);
  }
}

describe("100 racing SetIamPolicy calls with etags", () => {
  test.each([
    { on: "a parent", resourceOf: async () => aParent() },
    { on: "an operation", resourceOf: async () => anOperation() },
  ])("lose none on $on", { timeout: 60_000 }, async ({ resourceOf }) => {
    const resource = await resourceOf();
    const members = Array.from({ length: 100 }, (_, index) => memberOf(`racer-${index}`));
    const tries = await Promise.all(members.map((member) => addMember(resource, member)));
    const policy = (await asAdmin("GET", `/v1/${resource}:getIamPolicy`)) as PolicyJson;

    expect(policy.bindings[0]?.members.toSorted()).toEqual(members.toSorted());
    // They did race.
    expect(Math.max(...tries)).toBeGreaterThan(1);
  });
});

describe("a change of a policy", () => {
  test("takes effect on the operation itself at once", async () => {
    const name = await anOperation();
    const guest = await userOf("guest");
    const statuses = [await statusOf(guest, name)];
    await bind(name, [{ role: VIEWER, members: [memberOf("guest")] }]);
    statuses.push(await statusOf(guest, name));
    await bind(name, []);
    statuses.push(await statusOf(guest, name));

    expect(statuses).toEqual([403, 200, 403]);
  });

  test("ends the waits of callers whose right it revokes, and keeps the others", async () => {
    const name = await anOperation();
    const operation: Started = { name, id: name.split("/").at(-1)!, stub: objectOf(name) };
    await bind(name, viewersOf("leaving", "staying"));
    const [leaving, staying] = [await userOf("leaving"), await userOf("staying")];
    const waits = [leaving, staying].map((guest) => call(guest, "POST", `/v1/${name}:wait`, { timeout: "60s" }));
    await eventually(async () => (await openSockets(operation, "wait")) === 2);
    await bind(name, viewersOf("staying"));
    const refused = await waits[0]!;
    await eventually(async () => (await openSockets(operation, "wait")) === 1);
    const response = { "@type": "type.googleapis.com/google.protobuf.Empty" };
    await asAdmin("PATCH", `/v1/${name}?updateMask=response`, { response });
    const answered = await waits[1]!;

    expect(refused.status).toBe(403);
    expect([answered.status, answered.json["done"]]).toEqual([200, true]);
  });

  test("on an ancestor takes effect within a minute, wherever it was made", async () => {
    const parent = aParent();
    const name = await anOperation(parent);
    const guest = await userOf("guest");
    const before = await statusOf(guest, name);
    await bindElsewhere(parent, [{ role: VIEWER, members: [memberOf("guest")] }]);
    clock.advance(60_000);
    const granted = await statusOf(guest, name);
    await bindElsewhere(parent, []);
    clock.advance(60_000);

    expect([before, granted, await statusOf(guest, name)]).toEqual([403, 200, 403]);
  });

  test("on an ancestor is read once in half a minute, not on every call", async () => {
    const parent = aParent();
    const name = await anOperation(parent);
    const guest = await userOf("guest");
    await statusOf(guest, name);
    deployment.objectCalls();
    for (let count = 0; count < 3; count += 1) await statusOf(guest, name);
    const calls = deployment.objectCalls();
    clock.advance(30_000);
    await statusOf(guest, name);

    expect(calls).toEqual(["OPERATIONS.get", "OPERATIONS.get", "OPERATIONS.get"]);
    expect(deployment.objectCalls().filter((called) => called === "POLICIES.get")).toHaveLength(2);
  });

  test("is ABORTED with a stale etag, and changes nothing", async () => {
    const parent = aParent();
    const { etag } = await bind(parent, [{ role: VIEWER, members: [memberOf("first")] }]);
    await bind(parent, [{ role: VIEWER, members: [memberOf("second")] }]);
    const policy = { bindings: [], etag: etag ?? null };
    const { status, json } = await call(adminKeyCredential, "POST", `/v1/${parent}:setIamPolicy`, { policy });
    const standing = (await asAdmin("GET", `/v1/${parent}:getIamPolicy`)) as PolicyJson;

    expect([status, (json["error"] as JsonObject)["status"]]).toEqual([409, "ABORTED"]);
    expect(standing.bindings[0]?.members).toEqual([memberOf("second")]);
  });
});

describe("an operation's own policy", () => {
  test("is erased when the operation is deleted", async () => {
    const name = await anOperation();
    const guest = await userOf("guest");
    await bind(name, [{ role: "roles/longrunning.admin", members: [memberOf("guest")] }]);
    const before = await statusOf(guest, name);
    await asAdmin("DELETE", `/v1/${name}`);
    const tested = await call(guest, "POST", `/v1/${name}:testIamPermissions`, {
      permissions: ["longrunning.operations.get"],
    });

    expect([before, await statusOf(guest, name)]).toEqual([200, 403]);
    expect(tested.json).toEqual({ permissions: [] });
    expect((await call(adminKeyCredential, "GET", `/v1/${name}:getIamPolicy`)).status).toBe(404);
  });

  test("is erased when the operation expires", async () => {
    const name = await anOperation();
    const guest = await userOf("guest");
    await bind(name, [{ role: VIEWER, members: [memberOf("guest")] }]);
    const response = { "@type": "type.googleapis.com/google.protobuf.Empty" };
    await asAdmin("PATCH", `/v1/${name}?updateMask=response`, { response });
    const before = await statusOf(guest, name);
    clock.advance(31 * 86_400_000);

    expect([before, await statusOf(await userOf("guest"), name)]).toEqual([200, 403]);
  });
});

async function bindConditionally(resource: string, expression: string, version = 3) {
  const { etag } = await asAdmin("GET", `/v1/${resource}:getIamPolicy`);
  const bindings = [{ role: VIEWER, members: [memberOf("guest")], condition: { expression, title: "a test's" } }];
  const policy = { version, bindings, etag: etag ?? null };
  return call(adminKeyCredential, "POST", `/v1/${resource}:setIamPolicy`, { policy });
}

describe("a condition", () => {
  test.each(["a parent", "an operation"])("on the time holds until then, on %s", async (on) => {
    const parent = aParent();
    const name = await anOperation(parent);
    const guest = await userOf("guest");
    const end = new Date(Date.now() + 600_000).toISOString();
    await bindConditionally(on === "a parent" ? parent : name, `request.time < timestamp("${end}")`);
    const before = await statusOf(guest, name);
    clock.advance(601_000);

    expect([before, await statusOf(guest, name)]).toEqual([200, 403]);
  });

  test("on the name shows one of two operations", async () => {
    const parent = aParent();
    const [one, other] = [await anOperation(parent), await anOperation(parent)];
    await bindConditionally(parent, `resource.name == "${one}"`);
    const guest = await userOf("guest");

    expect([await statusOf(guest, one), await statusOf(guest, other)]).toEqual([200, 403]);
    expect((await call(guest, "GET", `/v1/${parent}/operations`)).status).toBe(403);
  });

  test("needs version 3", async () => {
    const { status, details } = await bindConditionally(aParent(), "true", 1);

    expect(status).toBe(400);
    expect(details).toContain("BadRequest");
  });
});

describe("a caller without credentials", () => {
  test("may start operations if allUsers may, without a starter's rights or a requestId", async () => {
    const parent = aParent();
    await bind(parent, [{ role: INVOKER, members: ["allUsers"] }]);
    const path = `/v1/${parent}/things:make`;
    const started = await call(noCredential, "POST", path, {});
    const name = started.json["name"] as string;
    const waited = await call(noCredential, "POST", path, {}, { Prefer: "wait=5" });
    const withId = await call(noCredential, "POST", path, { requestId: "mine" });

    expect([started.status, await statusOf(noCredential, name)]).toEqual([200, 401]);
    // It was started, so that is what is answered; to wait is not granted.
    expect([waited.status, waited.json["done"]]).toEqual([200, false]);
    expect([withId.status, withId.reason]).toEqual([400, "REQUEST_ID_ANONYMOUS"]);
  });

  test("may read the operations that allUsers may", async () => {
    const name = await anOperation();
    await bind(name, [{ role: VIEWER, members: ["allUsers"] }]);

    expect([await statusOf(noCredential, name), await statusOf(await userOf("guest"), name)]).toEqual([200, 200]);
  });
});

test("allAuthenticatedUsers includes a user of any issuer, but no API key", async () => {
  const name = await anOperation();
  await bind(name, [{ role: VIEWER, members: ["allAuthenticatedUsers"] }]);
  const { credential } = await apiKey([{ role: VIEWER, parent: aParent() }]);

  expect([await statusOf(await userOf("guest"), name), await statusOf(credential, name)]).toEqual([200, 403]);
});

test("a policy may grant more to an API key, until the key is revoked", async () => {
  const name = await anOperation();
  const { name: keyName, credential } = await apiKey([{ role: INVOKER, parent: aParent() }]);
  await bind(name, [{ role: VIEWER, members: [`principal://apikeys/${keyName.split("/")[1]}`] }]);
  const before = await statusOf(credential, name);
  await asAdmin("POST", `/v1/${keyName}:revoke`, {});
  clock.advance(60_000);

  expect([before, await statusOf(credential, name)]).toEqual([200, 401]);
});

test("a group's members have the roles of the group", async () => {
  const name = await anOperation();
  await bind(name, [{ role: VIEWER, members: ["group:readers@example.com"] }]);
  const inside = await userOf("inside", { claims: { groups: ["readers@example.com"] } });

  expect([await statusOf(inside, name), await statusOf(await userOf("outside"), name)]).toEqual([200, 403]);
});

test("a grant on the service root applies everywhere below it", async () => {
  await bind("operations", [{ role: INVOKER, members: [memberOf("starter")] }]);
  const starter = await userOf("starter");
  const echo = await call(starter, "POST", "/v1/echo:wait", { ttl: "1s" });
  const make = await call(starter, "POST", `/v1/${aParent()}/things:make`, {});
  await bind("operations", []);
  const refused = await call(starter, "POST", "/v1/echo:wait", { ttl: "1s" });

  expect([echo.status, make.status, refused.status]).toEqual([200, 200, 403]);
});

test("a root policy without an administrator is rejected if ADMINS has none", async () => {
  const { call: callThere } = aGuardedDeployment({ methods: [] }, { ADMINS: undefined });
  const set = (bindings: JsonObject[]) =>
    callThere(adminKeyCredential, "POST", "/v1/operations:setIamPolicy", { policy: { bindings } });
  const admin = { role: "roles/longrunning.admin", members: [memberOf("ada")] };
  const set1 = await set([admin]);
  const set2 = await set([]);
  // Undone, for what the isolate remembers of it.
  await bind("operations", []);

  expect(set1.status).toBe(200);
  expect([set2.status, set2.reason]).toEqual([400, "NO_ADMINISTRATOR"]);
});

function audited(): unknown[] {
  return logged.filter((line) => (line as JsonObject)["message"] === "audit");
}

function makePath(parent: string): string {
  return `/v1/${parent}/things:make`;
}

describe("the audit line", () => {
  const requestId: unknown = expect.stringMatching(/^[\w-]{36}$/);

  const ada = "principal://issuer.example/subject/ada";
  const struct = { "@type": "type.googleapis.com/google.protobuf.Struct", value: {} };

  test.each([
    ["start", "longrunning.methods.invoke", "POST", (_: string, parent: string) => makePath(parent), {}],
    ["create", "longrunning.operations.create", "POST", (_: string, parent: string) => `/v1/${parent}/operations`, {}],
    ["cancel", "longrunning.operations.cancel", "POST", (name: string) => `/v1/${name}:cancel`, {}],
    ["delete", "longrunning.operations.delete", "DELETE", (name: string) => `/v1/${name}`, undefined],
    ["patch", "longrunning.operations.update", "PATCH", (name: string) => `/v1/${name}`, { metadata: struct }],
    [
      "setIamPolicy",
      "longrunning.operations.setIamPolicy",
      "POST",
      (name: string) => `/v1/${name}:setIamPolicy`,
      { policy: {} },
    ],
    [
      "setIamPolicy of a parent",
      "longrunning.operations.setIamPolicy",
      "POST",
      (_: string, parent: string) => `/v1/${parent}:setIamPolicy`,
      { policy: {} },
    ],
  ] as const)(
    "has the caller, the permission, the resource and the decision: %s",
    async (_, permission, method, path, body) => {
      const parent = aParent();
      const name = await anOperation(parent);
      const url = path(name, parent);
      const resource = url.includes(name) ? name : parent;
      logged.length = 0;
      const refused = await call(await userOf("ada"), method, url, body);
      const refusedLines = audited();
      await bind(parent, [{ role: "roles/longrunning.admin", members: [memberOf("ada")] }]);
      logged.length = 0;
      const allowed = await call(await userOf("ada"), method, url, body);

      expect([refused.status, allowed.status]).toEqual([403, 200]);
      expect(refusedLines).toEqual([
        { message: "audit", caller: ada, permission, resource, allowed: false, requestId },
      ]);
      expect(audited()).toEqual([{ message: "audit", caller: ada, permission, resource, allowed: true, requestId }]);
    },
  );

  test("has no caller without credentials", async () => {
    const parent = aParent();
    await call(noCredential, "POST", makePath(parent), {});

    expect(audited()).toEqual([
      {
        message: "audit",
        requestId,
        caller: "anonymous",
        permission: "longrunning.methods.invoke",
        resource: parent,
        allowed: false,
      },
    ]);
  });

  test("is not written for reads", async () => {
    const name = await anOperation();
    logged.length = 0;
    await asAdmin("GET", `/v1/${name}`);
    await asAdmin("POST", `/v1/${name}:wait`, { timeout: "0s" });
    await statusOf(await userOf("ada"), name);

    expect(audited()).toEqual([]);
  });
});
