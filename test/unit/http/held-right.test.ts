// The right to send a long body, by the clock: judged at each judgement's end, and never after the body's.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { HeldRight } from "../../../src/http/held-right";
import { type Policy, emptyPolicy, policyFromBindings } from "../../../src/iam/policy";
import { PolicyCache } from "../../../src/iam/policy-cache";
import type { Principal } from "../../../src/iam/principal";
import { RpcError } from "../../../src/rpc/error";
import { Authorizer } from "../../../src/service/authorizer";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const PERMISSION = "longrunning.methods.invoke";
const PARENT = "projects/p";
const invoker: Policy = policyFromBindings([{ role: "roles/longrunning.invoker", members: ["user:ada"] }], 1);
const ada: Principal = { id: "user:ada", members: ["user:ada"], grants: [], isAdmin: false };

const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1_000);

/** An upload of a caller's, whose policy and credentials a test changes. */
async function anUpload(principal: Principal = ada) {
  const world = { policy: invoker, refusal: undefined as RpcError | undefined };
  const judgedAfterMs: number[] = [];
  const startTime = Date.now();
  const authenticate = async (): Promise<Principal> => {
    judgedAfterMs.push(Date.now() - startTime);
    if (world.refusal) throw world.refusal;
    return principal;
  };
  const ports = { cache: new PolicyCache(), read: async () => world.policy, now: () => Date.now(), authenticate };
  const authorizer = new Authorizer(principal, ports, "ray");
  await authorizer.require(PERMISSION, PARENT);
  const lost: string[] = [];
  const right = new HeldRight(
    { endTime: () => authorizer.judgementEnd(), judgeAnew: () => authorizer.requireAnew(PERMISSION, PARENT) },
    (error) => lost.push((error as RpcError).code),
  );
  return { world, right, lost, judgedAfterMs };
}

const revoked = () => new RpcError("UNAUTHENTICATED", "The key is revoked.", { reason: "API_KEY_REVOKED" });

describe("the right to send a body", () => {
  test("is checked again every 30 s while the body is sent", async () => {
    const { right, lost, judgedAfterMs } = await anUpload();
    await seconds(95);
    right.release();
    await seconds(60);

    expect(judgedAfterMs).toEqual([30_000, 60_000, 90_000]);
    expect(lost).toEqual([]);
  });

  test("ends within 60 s of a change of policy, once", async () => {
    const { world, lost } = await anUpload();
    await seconds(1);
    world.policy = emptyPolicy();
    await seconds(59);

    expect(lost).toEqual(["PERMISSION_DENIED"]);
    await seconds(120);
    expect(lost).toHaveLength(1);
  });

  test("ends with the check that rejects the credentials", async () => {
    const { world, lost } = await anUpload();
    world.refusal = revoked();
    await seconds(29);
    expect(lost).toEqual([]);
    await seconds(1);

    expect(lost).toEqual(["UNAUTHENTICATED"]);
  });

  test("is checked at the time at which the token expires", async () => {
    const { lost, judgedAfterMs, world } = await anUpload({ ...ada, expireTime: Date.now() + 7_000 });
    world.refusal = revoked();
    await seconds(7);

    expect(judgedAfterMs).toEqual([7_000]);
    expect(lost).toEqual(["UNAUTHENTICATED"]);
  });
});

describe("the end of a body", () => {
  test("causes no check while the last one holds", async () => {
    const { right, judgedAfterMs } = await anUpload();
    await seconds(29);
    await right.confirm();

    expect(judgedAfterMs).toEqual([]);
  });

  test("causes a check if the last one has expired, although no timer has fired yet", async () => {
    const { right, world, lost } = await anUpload();
    world.refusal = revoked();
    vi.setSystemTime(Date.now() + 31_000);
    await right.confirm();

    expect(lost).toEqual(["UNAUTHENTICATED"]);
  });

  test("waits for the check that is under way", async () => {
    const judging = Promise.withResolvers<void>();
    const lost: unknown[] = [];
    const endTime = Date.now() + 30_000;
    const right = new HeldRight({ endTime: () => endTime, judgeAnew: () => judging.promise }, (error) =>
      lost.push(error),
    );
    await seconds(30);
    const confirmed = right.confirm().then(() => lost.length);
    judging.reject(revoked());

    expect(await confirmed).toBe(1);
  });
});
