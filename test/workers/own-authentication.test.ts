// operations({ authenticate }): the owner's own login in front of the service, with a session cookie.
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, test } from "vitest";
import { RpcError } from "../../src/index";
import type { AuthenticatedCaller, OperationCaller } from "../../src/index";
import type { StoredRecord } from "../../src/lifecycle/stored-record";
import { eventually } from "../support/eventually";
import { MAKE, aDeployment, aMethod, objectOf, recordOf } from "./a-deployment";
import { type Credential, aGuardedDeployment, adminKeyCredential, useGuardedWorld } from "./access-harness";
import { clock } from "./clock";
import { useFreshWorld } from "./harness";

useFreshWorld();
useGuardedWorld();

const sessions = new Map<string, AuthenticatedCaller>();
let asked: Request[];

async function authenticate(request: Request): Promise<AuthenticatedCaller | undefined> {
  asked.push(request);
  const session = /session=(\w+)/.exec(request.headers.get("Cookie") ?? "")?.[1];
  if (session === "down") throw new Error("the database does not answer: password=hunter2");
  if (session === "forged") throw new RpcError("UNAUTHENTICATED", "session forged: hunter2");
  return session === undefined ? undefined : sessions.get(session);
}

beforeEach(() => {
  asked = [];
  sessions.clear();
  sessions.set("ada", { id: "17", members: ["user:Ada@example.com", "group:staff@example.com"] });
  sessions.set("bob", { id: "18" });
});

const cookie = (session: string): Credential => ({ Cookie: `theme=dark; session=${session}` });

/** Until a client waits on the operation. */
const hasWaiter = (name: string): Promise<boolean> =>
  eventually(
    async () => (await runInDurableObject(objectOf(name), (_, state) => state.getWebSockets("wait").length)) === 1,
  );

describe("a deployment with a login of its own", () => {
  const { call, bind, objectCalls } = aGuardedDeployment(
    { methods: [aMethod(async () => ({}))], authenticate },
    { CORS_ORIGINS: "https://app.example.com", CORS_CREDENTIALS: "on" },
  );
  const staffMay = (role: string) => [{ role, members: ["group:staff@example.com"] }];

  test("authorizes its callers by the members that the login names", async () => {
    await bind("projects/p", staffMay("roles/longrunning.invoker"));

    expect((await call(cookie("ada"), "POST", MAKE, {})).status).toBe(200);
    expect(await call(cookie("bob"), "POST", MAKE, {})).toMatchObject({ status: 403, reason: "IAM_PERMISSION_DENIED" });
    expect(await call({}, "POST", MAKE, {})).toMatchObject({ status: 401, reason: "CREDENTIALS_MISSING" });
  });

  test("returns an operation to its starter, and to no other caller", async () => {
    await bind("projects/p", staffMay("roles/longrunning.invoker"));
    const { json } = await call(cookie("ada"), "POST", MAKE, { requestId: "once" });
    const again = await call(cookie("ada"), "POST", MAKE, { requestId: "once" });

    expect(again.json["name"]).toBe(json["name"]);
    expect((await call(cookie("ada"), "GET", `/v1/${json["name"] as string}`)).status).toBe(200);
    expect((await call(cookie("bob"), "GET", `/v1/${json["name"] as string}`)).status).toBe(403);
  });

  test("accepts the built-in credentials of callers whom the login does not name", async () => {
    expect((await call(adminKeyCredential, "GET", "/v1/projects/p/operations")).status).toBe(200);
    expect(asked).toHaveLength(1);
  });

  test.each([
    ["forged", 401, "CREDENTIALS_INVALID"],
    ["down", 503, "UNAVAILABLE"],
  ])(
    "answers a session that is %s with %i, without the login's text and before any object call",
    async (session, status, reason) => {
      objectCalls();
      const answer = await call(cookie(session), "POST", MAKE, {});

      expect(answer).toMatchObject({ status, reason });
      expect(answer.text).not.toContain("hunter2");
      expect(objectCalls()).toEqual([]);
    },
  );

  test.each<[page: string, status: number, headers: Credential]>([
    ["no page", 200, {}],
    ["its own page", 200, { Origin: "https://operations.example", "Sec-Fetch-Site": "same-origin" }],
    ["a page that may call", 200, { Origin: "https://app.example.com", "Sec-Fetch-Site": "same-site" }],
    ["another page", 403, { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" }],
    ["a form of its own", 403, { Origin: "https://operations.example", "Content-Type": "text/plain" }],
  ])("answers a change from %s with %i", async (_, status, headers) => {
    await bind("projects/p", staffMay("roles/longrunning.invoker"));
    const answer = await call(cookie("ada"), "POST", MAKE, {}, headers);

    expect(answer.status).toBe(status);
    expect(answer.reason).toBe(status === 403 ? "CROSS_SITE_REQUEST" : undefined);
  });

  test("accepts a change from every page if no browser sends the credentials by itself", async () => {
    await bind("projects/p", staffMay("roles/longrunning.invoker"));
    sessions.set("ada", { ...sessions.get("ada")!, isAmbient: false });

    expect((await call(cookie("ada"), "POST", MAKE, {}, { Origin: "https://evil.example" })).status).toBe(200);
  });

  test("lets allowed pages read answers with a cookie, and no others", async () => {
    const from = async (Origin: string) =>
      (await call(cookie("ada"), "GET", "/healthz", undefined, { Origin })).headers.get(
        "Access-Control-Allow-Credentials",
      );

    expect(await from("https://app.example.com")).toBe("true");
    expect(await from("https://evil.example")).toBeNull();
  });

  test.each<[what: string, become: (ada: AuthenticatedCaller) => AuthenticatedCaller | undefined, reason: string]>([
    ["has expired", (ada) => ada, "CREDENTIALS_EXPIRED"],
    ["is gone", () => undefined, "CREDENTIALS_MISSING"],
    ["is of a caller without the right", () => sessions.get("bob"), "IAM_PERMISSION_DENIED"],
  ])("calls the login again when the session of a wait ends: it %s", async (_, become, reason) => {
    await bind("projects/p", staffMay("roles/longrunning.invoker"));
    const { json } = await call(cookie("ada"), "POST", MAKE, {});
    const name = json["name"] as string;
    const ada = { ...sessions.get("ada")!, expireTime: new Date(Date.now() + 500) };
    sessions.set("ada", ada);
    const waiting = call(cookie("ada"), "POST", `/v1/${name}:wait?timeout=60s`, {});
    await hasWaiter(name);
    const later = become(ada);
    if (later) sessions.set("ada", later);
    else sessions.delete("ada");
    clock.advance(1_000);

    expect((await waiting).reason).toBe(reason);
  });
});

describe("op.caller", () => {
  const seen: (OperationCaller | undefined)[] = [];
  let fails = false;
  const deployment = aDeployment({
    methods: [
      aMethod(async (op) => {
        seen.push(op.caller);
        if (fails) throw new RpcError("FAILED_PRECONDITION", "The table is locked.");
        return {};
      }),
    ],
    authenticate,
  });
  const ada = { id: "principal://app/user/17", members: ["user:ada@example.com", "group:staff@example.com"] };

  beforeEach(() => {
    seen.length = 0;
    fails = false;
  });

  const startedBy = async (headers: Credential): Promise<string> =>
    (await deployment.call("POST", MAKE, {}, headers)).operation.name;

  test("is the caller who started the operation", async () => {
    await deployment.runToEnd(await startedBy(cookie("ada")));
    await deployment.runToEnd(await startedBy(cookie("bob")));
    await deployment.runToEnd(await startedBy({}));

    expect(seen).toEqual([ada, { id: "principal://app/user/18", members: [] }, undefined]);
  });

  test("is the same in a retry by another caller", async () => {
    fails = true;
    const name = await startedBy(cookie("ada"));
    await deployment.runToEnd(name);
    const retry = await deployment.call("POST", `/v1/${name}:retry`, {}, cookie("bob"));
    await deployment.runToEnd(retry.operation.name);

    expect(seen).toEqual([ada, ada]);
  });

  test("has no members if an earlier version stored the operation", async () => {
    const name = await startedBy(cookie("ada"));
    await runInDurableObject(objectOf(name), (_, { storage }) => {
      const { starterMembers, ...record } = storage.kv.get<StoredRecord>("record")!;
      expect(starterMembers).toEqual(ada.members);
      storage.kv.put("record", record);
    });
    await evictDurableObject(objectOf(name));
    await deployment.runToEnd(name);

    expect(seen).toEqual([{ id: ada.id, members: [] }]);
  });

  test("is bounded, and its members are erased with the request", async () => {
    const members = Array.from({ length: 200 }, (_, index) => `group:${index}-${"x".repeat(50)}@example.com`);
    sessions.set("ada", { id: "17", members });
    const name = await startedBy(cookie("ada"));
    const stored = (await recordOf(name))?.starterMembers ?? [];
    await deployment.runToEnd(name);

    expect(stored).toEqual(members.slice(0, stored.length));
    expect(stored.join("").length).toBeGreaterThan(8_000);
    expect(stored.join("").length).toBeLessThanOrEqual(8_192);
    expect(seen[0]?.members).toEqual(stored);
    expect((await recordOf(name))?.starterMembers).toBeUndefined();
  });
});
