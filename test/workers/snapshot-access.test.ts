// Snapshots know no policy: they answer whoever has the right from above the operation, and nobody else learns that there
// are any.
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually";
import { aMethod } from "./a-deployment";
import { type Credential, aGuardedDeployment, memberOf, useGuardedWorld, userOf } from "./access-harness";

useGuardedWorld();

const methods = [aMethod(async () => ({}), { immediate: () => ({ response: {} }) })];
let kvReads = 0;
const SNAPSHOTS = new Proxy(env.SNAPSHOTS, {
  get(target, property) {
    const member: unknown = Reflect.get(target, property);
    if (typeof member !== "function") return member;
    if (property === "getWithMetadata") kvReads += 1;
    return member.bind(target);
  },
});
/** Nothing of an operation's object can be reached. */
const unreachable = new Proxy(env.OPERATIONS, {
  get(target, property) {
    const member = (Reflect.get(target, property) as (...all: unknown[]) => object).bind(target);
    if (property !== "get" && property !== "getByName") return member;
    return () =>
      new Proxy(
        {},
        {
          get: () => () => {
            throw new Error("the object cannot be reached");
          },
        },
      );
  },
});

const strong = aGuardedDeployment({ methods }, { SNAPSHOTS });
const edge = aGuardedDeployment({ methods }, { SNAPSHOTS, FINISHED_READS: "edge" });

const PARENT = "projects/snapshots";
let viewer: Credential;
let starter: Credential;
let stranger: Credential;
let done: string;
const missing = `${PARENT}/operations/${env.OPERATIONS.newUniqueId().toString()}`;

beforeAll(async () => {
  viewer = await userOf("viewer");
  starter = await userOf("starter");
  stranger = await userOf("stranger");
  await strong.bind(PARENT, [
    { role: "roles/longrunning.viewer", members: [memberOf("viewer")] },
    { role: "roles/longrunning.invoker", members: [memberOf("starter")] },
  ]);
  const started = await strong.call(starter, "POST", `/v1/${PARENT}/things:make`, {});
  done = started.json["name"] as string;
  await eventually(async () => (await env.SNAPSHOTS.get(`operation/${done.split("/").at(-1)}`)) !== null);
});

/** A caller's view of an operation, the number of calls of objects, and of reads of KV. */
async function seenBy(deployment: typeof strong, credential: Credential, name: string) {
  // The cached policies of the parents are the same for all.
  await deployment.call(credential, "GET", `/v1/${missing}`);
  deployment.objectCalls();
  kvReads = 0;
  const { status, text, headers } = await deployment.call(credential, "GET", `/v1/${name}`);
  const shown = [...headers].filter(([header]) => header !== "content-length");
  const calls = deployment.objectCalls();
  return { status, text: text.replaceAll(name, "NAME"), headers: shown, calls, kvReads };
}

describe("with FINISHED_READS=edge", () => {
  test("a caller with the permission from the parent is answered by KV", async () => {
    expect(await seenBy(edge, viewer, done)).toMatchObject({ status: 200, calls: [], kvReads: 1 });
  });

  test("a caller with the permission from the operation alone is answered by the operation", async () => {
    const seen = await seenBy(edge, starter, done);

    expect(seen).toMatchObject({ status: 200, calls: ["OPERATIONS.get"], kvReads: 0 });
    expect(Object.fromEntries(seen.headers)).not.toHaveProperty("cache-status");
  });

  test("a caller without permission is rejected in one way, by one object call and no read of KV, with a snapshot or without", async () => {
    const refused = await seenBy(edge, stranger, done);

    expect(refused).toMatchObject({ status: 403, calls: ["OPERATIONS.get"], kvReads: 0 });
    expect(await seenBy(edge, stranger, missing)).toEqual(refused);
  });
});

describe("while no object can be reached", () => {
  const down = aGuardedDeployment({ methods }, { SNAPSHOTS });
  down.environment.OPERATIONS = unreachable;

  test("a caller with the permission from the parent is answered by KV", async () => {
    expect(await seenBy(down, viewer, done)).toMatchObject({ status: 200, kvReads: 1 });
  });

  test.each([
    ["a caller with the permission from the operation alone", () => starter],
    ["a caller without the permission", () => stranger],
  ])("%s gets UNAVAILABLE, whether there is a snapshot or not", async (_, credential) => {
    const seen = await seenBy(down, credential(), done);

    expect(seen).toMatchObject({ status: 503, kvReads: 0 });
    expect(await seenBy(down, credential(), missing)).toEqual(seen);
  });
});
