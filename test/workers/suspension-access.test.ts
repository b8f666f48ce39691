// The right to answer a suspension: the permission, the role, the starter, and the holder of its link.
import { beforeAll, describe, expect, test } from "vitest";
import type { Json, JsonObject } from "../../src/rpc/any";
import { aMethod } from "./a-deployment";
import {
  type Answer,
  type Credential,
  aGuardedDeployment,
  adminKeyCredential,
  emailOf,
  keepSecret,
  logged,
  memberOf,
  noCredential,
  useGuardedWorld,
  userOf,
} from "./access-harness";

useGuardedWorld();

const uris = new Map<string, URL>();

const service = aGuardedDeployment({
  methods: [
    aMethod(async (op) => {
      const approval = await op.suspension("approval");
      // A link is a secret: the guarded world demands that it is in no log and in no answer.
      keepSecret(new URL(approval.resolveUri).searchParams.get("linkToken")!);
      uris.set(op.name, new URL(approval.resolveUri));
      return { answer: await approval.answer() };
    }),
  ],
});

/** Started by `ada`, and suspended. */
async function suspended(): Promise<string> {
  const { json } = await service.call(await userOf("ada"), "POST", "/v1/projects/p/things:make", {});
  const name = json["name"] as string;
  await service.deliver(name);
  return name;
}

function answer(name: string, credential: Credential, payload: Json = true): Promise<Answer> {
  return service.call(credential, "POST", `/v1/${name}/suspensions/approval:resolve`, { payload });
}

function follow(uri: URL, payload: Json = true, credential: Credential = noCredential): Promise<Answer> {
  return service.call(credential, "POST", uri.pathname + uri.search, { payload });
}

function audited(): unknown[] {
  return logged
    .filter((line) => (line as JsonObject)["message"] === "audit")
    .filter((line) => (line as JsonObject)["permission"] === "longrunning.operations.resolve")
    .map((line) => {
      const { caller, resource, allowed } = line as JsonObject;
      return { caller, resource, allowed };
    });
}

beforeAll(async () => {
  await service.bind("projects/p", [
    { role: "roles/longrunning.invoker", members: [memberOf("ada")] },
    { role: "roles/longrunning.approver", members: [memberOf("bob")] },
    { role: "roles/longrunning.operator", members: [memberOf("olga")] },
    { role: "roles/longrunning.viewer", members: [memberOf("vera")] },
  ]);
});

describe("ResolveSuspension", () => {
  test("is allowed for roles/longrunning.approver, which may get, list and wait as well", async () => {
    const name = await suspended();
    const bob = await userOf("bob");
    const { status, json } = await answer(name, bob);

    expect(status).toBe(200);
    expect(json).toMatchObject({ state: "RESOLVED", resolver: memberOf("bob") });
    expect((await service.call(bob, "GET", `/v1/${name}`)).status).toBe(200);
    expect((await service.call(bob, "GET", "/v1/projects/p/operations")).status).toBe(200);
    expect((await service.call(bob, "POST", `/v1/${name}:wait`, { timeout: "0s" })).status).toBe(200);
    expect((await service.call(bob, "POST", `/v1/${name}:cancel`, {})).status).toBe(403);
  });

  test("is allowed for administrators", async () => {
    expect((await answer(await suspended(), adminKeyCredential)).status).toBe(200);
  });

  test.each(["ada, who started it", "olga, an operator", "vera, a viewer", "eve, a stranger"])(
    "rejects %s",
    async (who) => {
      const name = await suspended();
      const caller = await userOf(who.split(",")[0]!);
      const refused = await answer(name, caller);
      const absent = await answer("projects/p/operations/none", caller);

      expect(refused).toMatchObject({ status: 403, reason: "IAM_PERMISSION_DENIED" });
      // Nothing tells whether the operation exists.
      expect(absent).toMatchObject({ status: 403, reason: "IAM_PERMISSION_DENIED" });
    },
  );

  test("rejects a caller without credentials with 401", async () => {
    expect((await answer(await suspended(), noCredential)).status).toBe(401);
  });

  test("is allowed for the starter if a policy on the operation grants it", async () => {
    const name = await suspended();
    await service.bind(name, [{ role: "roles/longrunning.approver", members: [memberOf("ada")] }]);

    expect((await answer(name, await userOf("ada"))).json).toMatchObject({ resolver: memberOf("ada") });
  });

  test("writes an audit line for each answer, allowed or denied", async () => {
    const name = await suspended();
    logged.length = 0;
    await answer(name, await userOf("eve"));
    await answer(name, await userOf("bob"));

    expect(audited()).toEqual([
      { caller: expect.stringContaining("eve"), resource: name, allowed: false },
      { caller: expect.stringContaining("bob"), resource: name, allowed: true },
    ]);
    expect(emailOf("bob")).toContain("bob");
  });
});

describe("reading a suspension", () => {
  test.each(["ada", "vera", "bob"])("requires the permission to get its operation: %s", async (who) => {
    const name = await suspended();
    const caller = await userOf(who);

    expect((await service.call(caller, "GET", `/v1/${name}/suspensions`)).status).toBe(200);
    expect((await service.call(caller, "GET", `/v1/${name}/suspensions/approval`)).status).toBe(200);
  });

  test("is denied to a caller without access, whether the suspension exists or not", async () => {
    const name = await suspended();
    const eve = await userOf("eve");

    for (const path of ["suspensions", "suspensions/approval", "suspensions/none"])
      expect((await service.call(eve, "GET", `/v1/${name}/${path}`)).status).toBe(403);
  });
});

describe("a link", () => {
  test("needs no credentials, and the audit line and the resolver say `link`", async () => {
    const name = await suspended();
    logged.length = 0;
    const { status, json } = await follow(uris.get(name)!);

    expect(status).toBe(200);
    expect(json).toMatchObject({ state: "RESOLVED", resolver: "link" });
    expect(audited()).toEqual([{ caller: "link", resource: name, allowed: true }]);
  });

  test("is checked alone, so an invalid link rejects a caller with the permission too", async () => {
    const uri = new URL(uris.get(await suspended())!);
    uri.searchParams.set("linkToken", "x".repeat(43));
    logged.length = 0;

    expect(await follow(uri, true, await userOf("bob"))).toMatchObject({ status: 403, reason: "LINK_INVALID" });
    expect(audited()).toEqual([{ caller: "link", resource: expect.any(String) as string, allowed: false }]);
  });

  test("is rejected with one object call if it is invalid, whether or not the operation exists", async () => {
    const name = await suspended();
    const refusals: unknown[] = [];
    for (const operation of [name, "projects/p/operations/none"]) {
      const uri = new URL(`https://x/v1/${operation}/suspensions/approval:resolve?linkToken=${"x".repeat(43)}`);
      service.objectCalls();
      const { status, reason } = await follow(uri);
      refusals.push([status, reason, service.objectCalls().filter((call) => call.startsWith("OPERATIONS"))]);
    }

    expect(refusals[0]).toEqual([403, "LINK_INVALID", ["OPERATIONS.holdsLink"]]);
    expect(refusals[1]).toEqual(refusals[0]);
  });

  test("gives no other right", async () => {
    const name = await suspended();
    const { search } = uris.get(name)!;

    expect((await service.call(noCredential, "GET", `/v1/${name}${search}`)).status).not.toBe(200);
    expect((await service.call(noCredential, "POST", `/v1/${name}:cancel${search}`, {})).status).not.toBe(200);
    expect((await service.call(noCredential, "GET", `/v1/${name}/suspensions/approval${search}`)).status).not.toBe(200);
  });
});
