// The rights of watchers: as for get, and again when the operation's policy changes.
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually";
import { aMethod } from "./a-deployment";
import { aGuardedDeployment, memberOf, userOf, useGuardedWorld } from "./access-harness";

useGuardedWorld();

const { asAdmin, worker, environment } = aGuardedDeployment({ methods: [aMethod(async () => ({}))] });

/** The answer as it comes: a watch has no end of its own. */
async function get(user: string, path: string): Promise<Response> {
  const request = new Request(`https://operations.example${path}`, { headers: await userOf(user) });
  return worker.fetch(request, environment);
}

async function anOperation(): Promise<string> {
  return (await asAdmin("POST", "/v1/projects/p/operations", {}))["name"] as string;
}

function setViewers(name: string, ...members: string[]): Promise<unknown> {
  const bindings = members.length === 0 ? [] : [{ role: "roles/longrunning.viewer", members }];
  return asAdmin("POST", `/v1/${name}:setIamPolicy`, { policy: { bindings } });
}

function watchers(name: string): Promise<number> {
  const stub = env.OPERATIONS.get(env.OPERATIONS.idFromString(name.split("/").at(-1) ?? ""));
  return runInDurableObject(stub, (_, state) => state.getWebSockets("changes").length);
}

async function statusOf(user: string, path: string): Promise<number> {
  const response = await get(user, path);
  await response.body?.cancel();
  return response.status;
}

describe("WatchOperation and GetOutput", () => {
  test("need the right to get, whether or not the operation exists", async () => {
    const name = await anOperation();
    const none = `projects/p/operations/${"0".repeat(64)}`;
    const paths = [`/v1/${name}:watch`, `/v1/${name}/output`, `/v1/${none}:watch`, `/v1/${none}/output`];
    expect(await Promise.all(paths.map((path) => statusOf("eve", path)))).toEqual([403, 403, 403, 403]);
    await setViewers(name, memberOf("ada"));

    expect(await statusOf("ada", `/v1/${name}/output`)).toBe(200);
    expect(await statusOf("ada", `/v1/${name}:watch`)).toBe(200);
  });

  test("a watch ends when the operation's policy changes and takes its right away, and no other does", async () => {
    const name = await anOperation();
    await setViewers(name, memberOf("ada"), memberOf("bob"));
    const [ada, bob] = await Promise.all(["ada", "bob"].map((user) => get(user, `/v1/${name}:watch`)));
    const bobsEvents = bob!.text();
    await eventually(async () => (await watchers(name)) === 2);
    await setViewers(name, memberOf("bob"));
    const text = await ada!.text();

    expect(text.match(/^event: .*/gm)).toEqual(["event: operation"]);
    expect(await statusOf("ada", `/v1/${name}:watch`)).toBe(403);
    await eventually(async () => (await watchers(name)) === 1);
    await asAdmin("PATCH", `/v1/${name}?updateMask=response`, {
      response: { "@type": "type.googleapis.com/google.protobuf.Empty" },
    });
    expect((await bobsEvents).match(/"done":true/g)).toHaveLength(1);
  });
});
