// Permissions: every method by every credential on every kind of resource. The expectations come from the contract
// ("Who may do what"), not from the code.
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import { echoWait } from "../../src/worker/echo-wait";
import type { Json, JsonObject } from "../../src/rpc/any";
import { aMethod } from "./a-deployment";
import {
  ADMIN,
  AUTH,
  type Answer,
  type Credential,
  adminKeyCredential,
  aGuardedDeployment,
  bearer,
  emailOf,
  forgedBy,
  logged,
  memberOf,
  noCredential,
  tokenOf,
  unsignedOf,
  useGuardedWorld,
  userOf,
} from "./access-harness";
import { POLICY_CACHE_MS } from "../../src/iam/iam-limits";
import { guardedCalls } from "../support/table-calls";
import { clock } from "./clock";
import { runInDurableObject } from "cloudflare:test";
import { eventually } from "../support/eventually";

useGuardedWorld();

// ── The calls ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** How many wait on an operation. */
function openSockets(name: string): Promise<number> {
  const stub = env.OPERATIONS.get(env.OPERATIONS.idFromString(name.split("/").at(-1) ?? ""));
  return runInDurableObject(stub, (_, state) => state.getWebSockets("wait").length);
}

interface MethodCall {
  method: string;
  /** Of an operation's name, or of a parent. */
  path(this: void, name: string): string;
  body?: Json;
  /** The status if the caller may call, unless 200. */
  granted?: number;
  /** Whether it needs the right to start operations in the parent too. */
  startsAnother?: boolean;
}

const onOperation = {
  get: { method: "GET", path: (name) => `/v1/${name}` },
  wait: {
    method: "POST",
    path: (name) => `/v1/${name}:wait`,
    body: { timeout: "0s" },
  },
  cancel: {
    method: "POST",
    path: (name) => `/v1/${name}:cancel`,
    body: {},
  },
  delete: { method: "DELETE", path: (name) => `/v1/${name}` },
  update: {
    method: "PATCH",
    path: (name) => `/v1/${name}?updateMask=metadata`,
    body: { metadata: anyStruct() },
  },
  explain: { method: "GET", path: (name) => `/v1/${name}:explain` },
  // Refused where the caller may, since it has not failed; and where the caller may not start another beside it.
  retry: { method: "POST", path: (name) => `/v1/${name}:retry`, body: {}, granted: 400, startsAnother: true },
  getIamPolicy: {
    method: "GET",
    path: (name) => `/v1/${name}:getIamPolicy`,
  },
  setIamPolicy: {
    method: "POST",
    path: (name) => `/v1/${name}:setIamPolicy`,
    body: { policy: { bindings: [] } },
  },
} as const satisfies Record<string, MethodCall>;

const onParent = {
  list: { method: "GET", path: (parent) => `/v1/${parent}/operations` },
  create: {
    method: "POST",
    path: (parent) => `/v1/${parent}/operations`,
    body: {},
  },
  start: {
    method: "POST",
    path: (parent) => `/v1/${parent}/things:make`,
    body: {},
  },
  getIamPolicy: {
    method: "POST",
    path: (parent) => `/v1/${parent}:getIamPolicy`,
    body: {},
  },
  // Refused for its etag where the caller may: nothing changes.
  setIamPolicy: {
    granted: 409,
    method: "POST",
    path: (parent) => `/v1/${parent}:setIamPolicy`,
    body: { policy: { bindings: [], etag: "c3RhbGU=" } },
  },
} as const satisfies Record<string, MethodCall>;

type OnOperation = keyof typeof onOperation;
type OnParent = keyof typeof onParent;
type Verb = OnOperation | OnParent;

function anyStruct() {
  return { "@type": "type.googleapis.com/google.protobuf.Struct", value: { rows: 1 } };
}

// ── The expected answers ────────────────────────────────────────────────────────────────────────────────────────────

/** "Roles: viewer (get, list, wait), operator (+ cancel, delete), invoker (start), worker (create, update), admin (all, and IAM)" */
const roleTable: Record<string, readonly Verb[]> = {
  viewer: ["get", "list", "wait"],
  operator: ["get", "list", "wait", "cancel", "delete"],
  invoker: ["start"],
  worker: ["create", "update"],
  // The methods for operators of the service are for administrators alone.
  admin: [
    "get",
    "list",
    "wait",
    "cancel",
    "delete",
    "start",
    "create",
    "update",
    "getIamPolicy",
    "setIamPolicy",
  ].concat("explain", "retry") as Verb[],
};
const roleNames = Object.keys(roleTable);
/** "The caller that starts an operation may get, wait on, cancel and delete it" */
const starterTable: readonly Verb[] = ["get", "wait", "cancel", "delete"];

/** Where what a caller has been granted stands. */
type Reach = "parent" | "operation" | "everywhere" | "nowhere";

/** Statuses of a call that is granted there, by what it is made on. `moved`: an own operation's id under another parent. */
const operationOutcomes: Record<Reach, Record<"own" | "others" | "missing" | "malformed" | "moved", number>> = {
  parent: { own: 200, others: 403, missing: 404, malformed: 404, moved: 403 },
  operation: { own: 200, others: 403, missing: 403, malformed: 403, moved: 403 },
  everywhere: { own: 200, others: 200, missing: 404, malformed: 404, moved: 404 },
  nowhere: { own: 403, others: 403, missing: 403, malformed: 403, moved: 403 },
};
const parentOutcomes: Record<Reach, Record<"own" | "others" | "missing", number>> = {
  parent: { own: 200, others: 403, missing: 403 },
  // A role on an operation says nothing of its parent.
  operation: { own: 403, others: 403, missing: 403 },
  everywhere: { own: 200, others: 200, missing: 200 },
  nowhere: { own: 403, others: 403, missing: 403 },
};

interface Caller {
  caller: string;
  may: readonly Verb[];
  reach: Reach;
  /** The answer to every call, whatever its resource. */
  always?: { status: 401; reason: string };
}

const callers: Caller[] = [
  { caller: "nobody", may: [], reach: "nowhere", always: { status: 401, reason: "CREDENTIALS_MISSING" } },
  refusedCaller("bad signature", "CREDENTIALS_SIGNATURE_INVALID"),
  refusedCaller("expired", "CREDENTIALS_EXPIRED"),
  refusedCaller("wrong audience", "CREDENTIALS_AUDIENCE_INVALID"),
  refusedCaller("alg none", "CREDENTIALS_ALGORITHM_UNSUPPORTED"),
  refusedCaller("revoked API key", "API_KEY_REVOKED"),
  refusedCaller("unknown API key", "API_KEY_INVALID"),
  ...roleNames.map((role): Caller => ({ caller: `${role} on the parent`, may: roleTable[role]!, reach: "parent" })),
  ...roleNames.map((role): Caller => ({ caller: `${role} on it`, may: roleTable[role]!, reach: "operation" })),
  { caller: "starter", may: starterTable, reach: "operation" },
  { caller: "stranger", may: [], reach: "nowhere" },
  { caller: "API key, operator on the parent", may: roleTable["operator"]!, reach: "parent" },
  { caller: "ADMINS", may: roleTable["admin"]!, reach: "everywhere" },
  { caller: "administrator's API key", may: roleTable["admin"]!, reach: "everywhere" },
];

function refusedCaller(caller: string, reason: string): Caller {
  return { caller, may: [], reach: "nowhere", always: { status: 401, reason } };
}

// ── The world ───────────────────────────────────────────────────────────────────────────────────────────────────────

const OWN = "projects/own";
const OTHERS = "projects/others";
const METHODS = [echoWait, aMethod(async () => ({}))];
const deployment = aGuardedDeployment({ methods: METHODS });
const { call, asAdmin, bind, apiKey, objectCalls } = deployment;
const credentials = new Map<string, Credential>();
let missing: string;
/** Operations on which nobody may do anything here. */
let untouched: string;
let others: string;

function slug(caller: string): string {
  return caller.replaceAll(/\W+/g, "-").toLowerCase();
}

function bindingsOf(place: "on the parent" | "on it"): JsonObject[] {
  return roleNames.map((role) => ({
    role: `roles/longrunning.${role}`,
    members: [memberOf(slug(`${role} ${place}`))],
  }));
}

const unused: string[] = [];

/** An operation of the starter's, with the policy that grants each role to one member. */
async function ownOperation(): Promise<string> {
  if (unused.length === 0) unused.push(...(await createdByStarter(50)));
  const name = unused.pop() ?? "";
  await bind(name, bindingsOf("on it"));
  return name;
}

/** The starter may create just now: what it may do afterwards, it may as the starter. */
async function createdByStarter(count: number): Promise<string[]> {
  const creator = { role: "roles/longrunning.worker", members: [memberOf("starter")] };
  await bind(OWN, [...bindingsOf("on the parent"), creator]);
  const starter = credentials.get("starter")!;
  const created = await Promise.all(
    Array.from({ length: count }, () => call(starter, "POST", `/v1/${OWN}/operations`, {})),
  );
  await bind(OWN, bindingsOf("on the parent"));
  return created.map(({ json }) => json["name"] as string);
}

/** An operation of an administrator's, on which nobody else has been granted anything. */
async function operationOfOthers(): Promise<string> {
  return (await asAdmin("POST", `/v1/${OTHERS}/operations`, {}))["name"] as string;
}

beforeAll(async () => {
  clock.start();
  missing = `${OWN}/operations/${env.OPERATIONS.newUniqueId().toString()}`;
  for (const { caller } of callers) credentials.set(caller, await userOf(slug(caller)));
  const revoked = await apiKey([{ role: "roles/longrunning.operator", parent: OWN }]);
  await asAdmin("POST", `/v1/${revoked.name}:revoke`, {});
  const operator = await apiKey([{ role: "roles/longrunning.operator", parent: OWN }]);
  untouched = await ownOperation();
  others = await operationOfOthers();
  credentials.set("nobody", noCredential);
  credentials.set("bad signature", await forgedBy(ADMIN));
  credentials.set("expired", await userOf(ADMIN, { expiresIn: -61 }));
  credentials.set("wrong audience", await userOf(ADMIN, { audience: "another" }));
  credentials.set("alg none", unsignedOf(ADMIN));
  credentials.set("revoked API key", revoked.credential);
  credentials.set("unknown API key", { "x-goog-api-key": `eo_${"0".repeat(24)}_${"A".repeat(43)}` });
  credentials.set("ADMINS", await userOf(ADMIN));
  credentials.set("API key, operator on the parent", operator.credential);
  credentials.set("administrator's API key", adminKeyCredential);
});

/** The answer to a caller, as far as the caller's rights decide. */
interface Outcome {
  /** On what, to find it by. */
  kind: string;
  status: number;
  reason?: string | undefined;
  /** AIP-211's, which is the same whether or not there is such a resource. */
  denial?: string;
  hasChallenge?: boolean;
}

function denied(permission: string, resource: string): string {
  return `Permission '${permission}' denied on resource '${resource}' (or it might not exist).`;
}

function expectedOutcome(
  { always, may }: Caller,
  {
    kind,
    verb,
    permission,
    name,
    granted,
  }: { kind: string; verb: Verb; permission: string; name: string; granted: number },
): Outcome {
  if (always) return { kind, ...always, hasChallenge: true };
  const status = may.includes(verb) ? granted : 403;
  return status === 403
    ? { kind, status, reason: "IAM_PERMISSION_DENIED", denial: denied(permission, name) }
    : { kind, status };
}

async function outcomeOf(kind: string, answering: Promise<Answer>): Promise<Outcome> {
  const { status, reason, json, headers } = await answering;
  const { message = "" } = (json["error"] ?? {}) as { message?: string };
  if (status === 401) return { kind, status, reason, hasChallenge: headers.has("WWW-Authenticate") };
  return status === 403 ? { kind, status, reason, denial: message } : { kind, status };
}

// ── The tables ──────────────────────────────────────────────────────────────────────────────────────────────────────

const cellsOf = <V extends Verb>(verbs: Record<V, MethodCall>) =>
  callers.flatMap((caller) =>
    (Object.keys(verbs) as V[]).map((verb) => ({ caller: caller.caller, verb, its: caller })),
  );

function permissionOf(verb: Verb): string {
  return verb === "start" ? "longrunning.methods.invoke" : `longrunning.operations.${verb}`;
}

describe("access to an operation", () => {
  test.each(cellsOf<OnOperation>(onOperation))("$caller: $verb", async ({ verb, its }) => {
    const { method, path, body, granted: success = 200, startsAnother = false }: MethodCall = onOperation[verb];
    const own = its.always ? untouched : await ownOperation();
    const names = {
      others: its.reach === "everywhere" ? await operationOfOthers() : others,
      missing,
      malformed: `${OWN}/operations/no-id-at-all`,
      moved: `${OTHERS}/operations/${own.split("/").at(-1) ?? ""}`,
      // The last: it may be gone then.
      own,
    };
    const outcomes: Outcome[] = [];
    const expected: Outcome[] = [];
    for (const [kind, name] of Object.entries(names) as [keyof typeof names, string][]) {
      outcomes.push(await outcomeOf(kind, call(credentials.get(its.caller)!, method, path(name), body)));
      const status = operationOutcomes[its.reach][kind];
      const granted = status === 200 ? success : status;
      // "A role on an operation says nothing of its parent."
      const lacksParent = startsAnother && its.reach === "operation" && status === 200 && its.may.includes(verb);
      const lacking = lacksParent
        ? { permission: permissionOf("start"), name: OWN }
        : { permission: permissionOf(verb), name };
      expected.push(expectedOutcome(its, { kind, verb, ...lacking, granted: lacksParent ? 403 : granted }));
    }

    expect(outcomes).toEqual(expected);
  });

  test.each(callers)(
    "$caller: an impossible name is rejected before any call of an object",
    async ({ caller, always }) => {
      for (const { method, path, body } of Object.values<MethodCall>(onOperation)) {
        objectCalls();
        const { status } = await call(credentials.get(caller)!, method, path(`${OWN}/operations/a%2Fb`), body);
        expect(status).toBe(always && caller !== "nobody" ? 401 : 400);
        expect(objectCalls().filter((called) => !called.startsWith("KEYS."))).toEqual([]);
      }
    },
  );
});

describe("access to a parent", () => {
  test.each(cellsOf<OnParent>(onParent))("$caller: $verb", async ({ verb, its }) => {
    const { method, path, body, granted: success = 200 }: MethodCall = onParent[verb];
    const names = { own: OWN, others: OTHERS, missing: "projects/of-nobody" };
    const outcomes: Outcome[] = [];
    const expected: Outcome[] = [];
    for (const [kind, name] of Object.entries(names) as [keyof typeof names, string][]) {
      outcomes.push(await outcomeOf(kind, call(credentials.get(its.caller)!, method, path(name), body)));
      const granted = parentOutcomes[its.reach][kind] === 200 ? success : 403;
      expected.push(expectedOutcome(its, { kind, verb, permission: permissionOf(verb), name, granted }));
    }

    expect(outcomes).toEqual(expected);
  });
});

describe("TestIamPermissions", () => {
  const asked = roleTable["admin"]!.map(permissionOf);

  async function tested(caller: string, resource: string): Promise<string[]> {
    const path = `/v1/${resource}:testIamPermissions`;
    const { status, json } = await call(credentials.get(caller)!, "POST", path, { permissions: asked });
    expect(status).toBe(200);
    return (json["permissions"] as string[]).toSorted();
  }

  const known = callers.filter(({ caller, always }) => !always || caller === "nobody");

  test.each(known)("returns to $caller its permissions", async ({ caller, may, reach }) => {
    const own = await ownOperation();
    const all = may.map(permissionOf).toSorted();
    // A caller who may do nothing to an operation is not told whether there is one.
    const onOwn = may.every((verb) => verb === "start") ? [] : all;

    expect(await tested(caller, own)).toEqual(onOwn);
    expect(await tested(caller, OWN)).toEqual(reach === "operation" ? [] : all);
    expect(await tested(caller, await operationOfOthers())).toEqual(reach === "everywhere" ? all : []);
    // "A resource that does not exist gives an empty set"
    expect(await tested(caller, missing)).toEqual([]);
    expect(await tested(caller, `${OWN}/operations/no-id-at-all`)).toEqual([]);
  });

  test.each(callers.filter(({ always, caller }) => always && caller !== "nobody"))(
    "returns to $caller nothing",
    async ({ caller, always }) => {
      const path = `/v1/${OWN}:testIamPermissions`;
      const { status, reason } = await call(credentials.get(caller)!, "POST", path, { permissions: asked });

      expect([status, reason]).toEqual([always?.status, always?.reason]);
    },
  );

  test("accepts no wildcards", async () => {
    const path = `/v1/${OWN}:testIamPermissions`;
    const { status, details } = await call(credentials.get("ADMINS")!, "POST", path, {
      permissions: ["longrunning.operations.*"],
    });

    expect(status).toBe(400);
    expect(details).toContain("BadRequest");
  });

  test("returns nothing for a deleted operation, also to an administrator", async () => {
    const own = await ownOperation();
    await asAdmin("DELETE", `/v1/${own}`);

    expect(await tested("ADMINS", own)).toEqual([]);
  });
});

describe("access to echo:wait at the service root", () => {
  test.each(callers)("$caller: start", async (its) => {
    const outcome = await outcomeOf("root", call(credentials.get(its.caller)!, "POST", "/v1/echo:wait", { ttl: "1s" }));
    const granted = its.reach === "everywhere" ? 200 : 403;
    const permission = permissionOf("start");

    expect(outcome).toEqual(
      expectedOutcome(its, { kind: "root", verb: "start", permission, name: "operations", granted }),
    );
  });
});

describe("access to locations, which are public", () => {
  test.each(callers)("$caller: ListLocations, GetLocation", async ({ caller, always }) => {
    const isRefused = always !== undefined && caller !== "nobody";
    const list = await call(credentials.get(caller)!, "GET", "/v1/projects/p/locations");
    const get = await call(credentials.get(caller)!, "GET", "/v1/projects/p/locations/here");
    const getMissing = await call(credentials.get(caller)!, "GET", "/v1/projects/p/locations/there");

    expect([list.status, get.status, getMissing.status]).toEqual(isRefused ? [401, 401, 401] : [200, 200, 404]);
  });
});

describe("a caller without access", () => {
  const verbs: Record<string, MethodCall> = {
    ...onOperation,
    testIamPermissions: {
      method: "POST",
      path: (name) => `/v1/${name}:testIamPermissions`,
      body: { permissions: roleTable["admin"]!.map(permissionOf) },
    },
  };
  const kinds = ["stranger", "nobody", "invoker on the parent"];

  let forbidden: string;
  let done: string;
  let deleted: string;

  beforeAll(async () => {
    [forbidden, done, deleted] = [await ownOperation(), await ownOperation(), await ownOperation()];
    await asAdmin("PATCH", `/v1/${done}?updateMask=response`, { response: anyStruct() });
    await asAdmin("DELETE", `/v1/${deleted}`);
  });

  test.each(Object.keys(verbs).flatMap((verb) => kinds.map((caller) => ({ verb, caller }))))(
    "cannot distinguish a missing operation from a forbidden one: $caller, $verb",
    async ({ verb, caller }) => {
      const { method, path, body } = verbs[verb]!;
      // The cached policies of the parents are the same for all.
      await call(credentials.get(caller)!, method, path(forbidden), body);
      const outcomes = [];
      for (const name of [forbidden, done, deleted, missing, `${OWN}/operations/no-id-at-all`]) {
        objectCalls();
        const { status, text, headers } = await call(credentials.get(caller)!, method, path(name), body);
        const shown = [...headers].filter(([header]) => header !== "content-length");
        outcomes.push({ status, text: text.replaceAll(name, "NAME"), headers: shown, calls: objectCalls() });
      }

      expect(outcomes[0]?.calls.length).toBe(1);
      for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
    },
  );
});

describe("PERMISSION_DENIED", () => {
  // Compiling these takes seconds where a duration is read by a pattern that is not linear.
  const costly: JsonObject = {
    policy: {
      version: 3,
      etag: "AAAAAQAAAAA=",
      bindings: Array.from({ length: 50 }, (_, index) => ({
        role: "roles/longrunning.viewer",
        members: ["allUsers"],
        condition: { expression: `duration("${index}${"1".repeat(900)}") < duration("1s")` },
      })),
    },
  };
  const refused = guardedCalls(METHODS, "x");

  test.each(
    refused.flatMap(({ id, method, path }) => ["stranger", "nobody"].map((caller) => ({ id, method, path, caller }))),
  )(
    "costs at most two object calls, whatever the query and the body: $id ($method $path) to $caller",
    async ({ method, path, caller }) => {
      const credential = credentials.get(caller)!;
      const body = method === "GET" || method === "DELETE" ? undefined : costly;
      for (const query of ["", "?fields=name", "?fields=name&filter=a%3Db&unknown=x"]) {
        // The parents' policies are remembered.
        await call(credential, method, `${path}${query}`, body);
        objectCalls();
        const { status } = await call(credential, method, `${path}${query}`, body);

        expect([401, 403]).toContain(status);
        expect(objectCalls().length).toBeLessThanOrEqual(2);
      }
    },
  );

  test("costs one read for each ancestor's policy, nine at most, below a parent that the isolate has not seen", async () => {
    const stranger = credentials.get("stranger")!;
    const parent = Array.from({ length: 10 }, (_, depth) => `c${depth}/unseen`).join("/");
    await call(stranger, "GET", "/v1/operations");
    clock.advance(POLICY_CACHE_MS);
    objectCalls();
    const cold = await call(stranger, "GET", `/v1/${parent}/operations/x`);
    const coldCalls = objectCalls();
    const warm = await call(stranger, "GET", `/v1/${parent}/operations/y`);

    expect([cold.status, warm.status]).toEqual([403, 403]);
    expect(coldCalls.toSorted()).toEqual(["OPERATIONS.get", ...Array.from({ length: 9 }, () => "POLICIES.get")]);
    expect(objectCalls()).toEqual(["OPERATIONS.get"]);
  });
});

test("a viewer under a condition on the parent's name gets the parent's list, large operations too", async () => {
  const parent = "projects/conditional";
  const metadata = { "@type": "type.googleapis.com/google.protobuf.Struct", value: { text: "x".repeat(40_000) } };
  const { name } = await asAdmin("POST", `/v1/${parent}/operations`, { operation: { metadata } });
  const expression = `resource.name == "${parent}"`;
  const bindings = [
    { role: "roles/longrunning.viewer", members: [memberOf("auditor")], condition: { title: "t", expression } },
  ];
  const { etag } = await asAdmin("GET", `/v1/${parent}:getIamPolicy`);
  await asAdmin("POST", `/v1/${parent}:setIamPolicy`, { policy: { version: 3, etag: etag!, bindings } });
  const { status, json } = await call(await userOf("auditor"), "GET", `/v1/${parent}/operations`);

  expect(status).toBe(200);
  expect(json["operations"]).toEqual([expect.objectContaining({ name, metadata })]);
});

test("a wait gets no result after its token has expired", async () => {
  // Good for one second more, with what clocks may differ.
  const auditor = await userOf("late-auditor", { expiresIn: -59 });
  await bind("projects/late", [{ role: "roles/longrunning.viewer", members: [memberOf("late-auditor")] }]);
  const { name } = await asAdmin("POST", "/v1/projects/late/operations", {});
  const waiting = call(auditor, "POST", `/v1/${name as string}:wait?timeout=60s`);
  await eventually(async () => (await openSockets(name as string)) === 1);
  clock.advance(2_000);
  const { status, reason, headers } = await waiting;

  expect([status, reason]).toEqual([401, "CREDENTIALS_EXPIRED"]);
  expect(headers.has("WWW-Authenticate")).toBe(true);
  await eventually(async () => (await openSockets(name as string)) === 0);
});

describe("a caller with a proxy's assertion", () => {
  const header = "Cf-Access-Jwt-Assertion";
  const [issuer] = AUTH.issuers;
  const behindProxy = aGuardedDeployment(
    { methods: [] },
    { AUTH: { ...AUTH, issuers: [{ ...issuer, header }] }, CORS_ORIGINS: "https://app.example.com" },
  );

  test.each<[string, string, number, Credential]>([
    ["the page of another site", "https://evil.example", 403, {}],
    ["a form of another site", "https://evil.example", 403, { "Content-Type": "text/plain" }],
    ["a page that may call", "https://app.example.com", 200, {}],
    ["a page of the service", "https://operations.example", 200, {}],
  ])("gets for a change from %s with %s the status %i", async (_, origin, expected, headers) => {
    const token = await tokenOf(ADMIN);
    const sent = { Origin: origin, ...headers };
    const created = await behindProxy.call({ [header]: token }, "POST", "/v1/projects/site/operations", {}, sent);
    const read = await behindProxy.call({ [header]: token }, "GET", "/v1/projects/site/operations", undefined, sent);
    const byBearer = await behindProxy.call(bearer(token), "POST", "/v1/projects/site/operations", {}, sent);

    expect(created.status).toBe(expected);
    expect(created.reason).toBe(expected === 403 ? "CROSS_SITE_REQUEST" : undefined);
    // Reading changes nothing, and a bearer token is sent on purpose.
    expect(read.status).toBe(200);
    expect(byBearer.status).toBe(headers["Content-Type"] === undefined ? 200 : 400);
  });
});

test("each change of an API key is audited, allowed or denied", async () => {
  const grants = [{ role: "roles/longrunning.viewer", parent: OWN }];
  const audited = (): unknown[] =>
    logged
      .filter((line) => (line as JsonObject)["message"] === "audit")
      .map((line) => {
        const { caller, permission, resource, allowed } = line as JsonObject;
        return [caller, permission, resource, allowed];
      });
  const stranger = credentials.get("stranger")!;
  const strangerId = "principal://issuer.example/subject/stranger";
  logged.length = 0;
  await call(stranger, "POST", "/v1/apiKeys", { grants });
  await call(noCredential, "POST", `/v1/apiKeys/${"0".repeat(24)}:revoke`);
  const { name } = await apiKey(grants);
  await asAdmin("POST", `/v1/${name}:revoke`);
  await call(stranger, "GET", "/v1/apiKeys");

  expect(audited()).toEqual([
    [strangerId, "apiKeys.create", "apiKeys", false],
    ["anonymous", "apiKeys.revoke", `apiKeys/${"0".repeat(24)}`, false],
    ["principal://apikeys/admin", "apiKeys.create", "apiKeys", true],
    ["principal://apikeys/admin", "apiKeys.revoke", name, true],
  ]);
  // The request's own line names the key that was made.
  expect(logged.filter((line) => (line as JsonObject)["resource"] === name).length).toBeGreaterThanOrEqual(2);
});

test("an API key whose own grant suffices causes no read of a policy", async () => {
  const { credential } = await apiKey([{ role: "roles/longrunning.viewer", parent: "c0/keyed" }]);
  const { name } = await asAdmin("POST", "/v1/c0/keyed/c1/unseen/c2/unseen/operations", {});
  // The key itself is remembered.
  await call(credential, "GET", "/v1/c0/keyed/operations");
  objectCalls();
  const { status } = await call(credential, "GET", `/v1/${name as string}`);

  expect(status).toBe(200);
  expect(objectCalls()).toEqual(["OPERATIONS.get"]);
});

/** Characters that a terminal, a log viewer or a reader could misread. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const DECEIVING = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

/** Every text of a line of the log, names of fields included. */
function textsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => [key].concat(textsOf(member)));
}

test.each([
  ["a line of its own", '\n{"message":"audit","caller":"root"}'],
  ["a colour of the terminal", "\u001b[31m"],
  ["the direction of the text", "\u202egpj.exe\u2028"],
])("no name or label of a caller puts %s into the log", async (_, text) => {
  const service = aGuardedDeployment({ methods: [aMethod(async () => ({}))] });
  const sent = encodeURIComponent(text);
  const eve = await userOf(`eve${text}`, { claims: { email: emailOf("eve"), groups: [text] } });
  const parent = "projects/labels";
  await bind(parent, [
    { role: "roles/longrunning.invoker", members: [memberOf("eve")] },
    { role: "roles/longrunning.worker", members: [memberOf("eve")] },
  ]);
  logged.length = 0;
  const headers = { "User-Agent": sent, "X-Request-Id": sent, "cf-ray": sent, "X-Goog-Request-Reason": sent };
  const metadata = { "@type": "type.googleapis.com/google.protobuf.Struct", value: { [text]: text } };
  const calls: [method: string, path: string, body?: JsonObject][] = [
    ["POST", `/v1/${parent}/things:make`, { label: text, [text]: text }],
    ["POST", `/v1/${parent}/things:make?requestId=${sent}`, {}],
    ["POST", `/v1/${parent}/operations`, { operation: { metadata } }],
    ["GET", `/v1/${parent}/operations?filter=${sent}&pageToken=${sent}`],
    ["GET", `/v1/${parent}/operations/${sent}`],
    ["DELETE", `/v1/${parent}/operations/${sent}`],
    ["POST", `/v1/${sent}/x:${sent}`, {}],
    ["GET", `/${sent}`],
  ];
  const statuses: number[] = [];
  for (const [method, path, body] of calls) {
    statuses.push((await service.call(eve, method, path, body, headers)).status);
  }
  await asAdmin("POST", "/v1/apiKeys", { displayName: `x${text}`, grants: [] }).catch(() => undefined);

  expect([statuses[0], statuses[2]]).toEqual([200, 200]);
  const requests = logged.filter((line) => (line as JsonObject)["message"] === "request");
  expect(requests.length).toBeGreaterThanOrEqual(calls.length);
  expect(logged.flatMap(textsOf).filter((part) => part.includes("/subject/eve%")).length).toBeGreaterThan(0);
  expect(logged.flatMap(textsOf).filter((part) => DECEIVING.test(part))).toEqual([]);
});

describe("a deployment", () => {
  const apiCalls: [string, string][] = [
    ["GET", "/v1/operations"],
    ["GET", "/v1/operations/x"],
    ["DELETE", "/v1/operations/x"],
    ["PATCH", "/v1/operations/x"],
    ["POST", "/v1/operations"],
    ["POST", "/v1/operations/x:wait"],
    ["POST", "/v1/operations/x:cancel"],
    ["GET", "/v1/operations/x:explain"],
    ["POST", "/v1/operations/x:retry"],
    ["GET", "/v1/operations:getIamPolicy"],
    ["POST", "/v1/operations:getIamPolicy"],
    ["POST", "/v1/operations:setIamPolicy"],
    ["POST", "/v1/operations:testIamPermissions"],
    ["GET", "/v1/projects/p/locations"],
    ["GET", "/v1/projects/p/locations/l"],
    ["POST", "/v1/projects/p/things:make"],
    ["POST", "/v1/apiKeys"],
    ["GET", "/v1/apiKeys"],
    ["POST", "/v1/apiKeys/x:revoke"],
  ];

  test.each(apiCalls)("without AUTH rejects %s %s, and names the variable to set", async (method, path) => {
    const closed = aGuardedDeployment({ methods: [aMethod(async () => ({}))] }, { AUTH: undefined });
    for (const credential of [noCredential, await userOf(ADMIN), adminKeyCredential]) {
      const { status, reason, text } = await closed.call(credential, method, path, method === "GET" ? undefined : {});
      expect([status, reason]).toEqual([403, "AUTHENTICATION_NOT_CONFIGURED"]);
      expect(text).toContain("AUTH");
    }
    expect(closed.objectCalls()).toEqual([]);
  });

  test("without AUTH is healthy", async () => {
    const closed = aGuardedDeployment({ methods: [] }, { AUTH: undefined });

    expect((await closed.call(noCredential, "GET", "/healthz")).status).toBe(200);
  });

  test("ignores credentials and allows everything if it is open", async () => {
    const open = aGuardedDeployment({ methods: [] }, { AUTH: "open" });
    const bad = [noCredential, await forgedBy(ADMIN), bearer("nonsense"), { "x-goog-api-key": "nonsense" }];
    for (const credential of bad) {
      const created = await open.call(credential, "POST", "/v1/projects/open/operations?requestId=once", {});
      const policy = await open.call(credential, "POST", "/v1/projects/open:setIamPolicy", { policy: {} });
      expect([created.status, policy.status]).toEqual([200, 200]);
    }
    const { json } = await open.call(noCredential, "GET", "/v1/projects/open/operations");
    expect(json["operations"]).toHaveLength(1);
  });

  test("names a wrong AUTH without its text", async () => {
    const wrong = aGuardedDeployment({ methods: [] }, { AUTH: '{"issuers": [{"issuer": "the secret of the house"}]}' });
    const { status, reason, text } = await wrong.call(noCredential, "GET", "/v1/operations");

    expect([status, reason]).toEqual([500, "CONFIGURATION_INVALID"]);
    expect(text).toContain("AUTH.issuers[0].issuer");
    expect(text).not.toContain("secret of the house");
  });
});

test("a deleted operation that still runs is revealed only to callers with a right on an ancestor", async () => {
  const own = await ownOperation();
  await asAdmin("DELETE", `/v1/${own}`);

  const byItsAdministrator = await call(credentials.get("admin on it")!, "GET", `/v1/${own}:explain`);
  const byTheParents = await call(credentials.get("admin on the parent")!, "GET", `/v1/${own}:explain`);

  expect([byItsAdministrator.status, byTheParents.status]).toEqual([403, 200]);
});

test("a token names its user by the verified address alone", async () => {
  const unverified = bearer(await tokenOf(ADMIN, { claims: { email_verified: false } }));
  const { status } = await call(unverified, "GET", `/v1/${OWN}/operations`);

  expect(status).toBe(403);
  expect(emailOf(ADMIN)).toBe("root@example.com");
});

describe("a read across projects", () => {
  const guarded = aGuardedDeployment({ methods: [] });

  test.each(["/v1/projects/-/operations", "/v1/projects/-/locations/l/operations", "/v1/scopes"])(
    "at %s needs longrunning.operations.list on the service root",
    async (path) => {
      await guarded.bind("projects/p", [{ role: "roles/longrunning.admin", members: [memberOf("ada")] }]);
      await guarded.bind("operations", [{ role: "roles/longrunning.viewer", members: [memberOf("olga")] }]);

      expect((await guarded.call(await userOf("ada"), "GET", path)).status).toBe(403);
      expect((await guarded.call(await userOf("olga"), "GET", path)).status).toBe(200);
    },
  );
});
