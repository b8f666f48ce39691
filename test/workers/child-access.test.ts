// The right to read a child operation: its starter is the starter of its parent operation.
import { beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/rpc/any";
import { aMethod } from "./a-deployment";
import { aGuardedDeployment, memberOf, useGuardedWorld, userOf } from "./access-harness";

useGuardedWorld();

/** The names of children, by the names of their parents. */
const children = new Map<string, string>();

const service = aGuardedDeployment({
  methods: [
    aMethod(async (op) => {
      // Its children start none.
      if (children.size > 0) return {};
      const method = service.worker.methods[0]!;
      children.set(op.name, (await op.start(method, {}, { key: "a" })).name);
      return {};
    }),
  ],
});

beforeAll(async () => {
  await service.bind("projects/p", [
    { role: "roles/longrunning.invoker", members: [memberOf("ada"), memberOf("bob")] },
  ]);
});

describe("a child operation", () => {
  test("has its parent's starter", async () => {
    const { json } = await service.call(await userOf("ada"), "POST", "/v1/projects/p/things:make", {});
    const name = json["name"] as string;
    await service.deliver(name);
    const child = children.get(name)!;
    const byStarter = await service.call(await userOf("ada"), "GET", `/v1/${child}`);
    const byOther = await service.call(await userOf("bob"), "GET", `/v1/${child}`);

    expect(byStarter.status).toBe(200);
    expect((byStarter.json["metadata"] as JsonObject)["value"]).toMatchObject({ parentOperation: name });
    expect(byOther.status).toBe(403);
  });
});
