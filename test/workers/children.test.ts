// Child operations over HTTP: each sentence of the contract about operations that an operation's work starts.
import { evictDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { type ChildOptions, type ChildOutcome, type OperationContext, RpcError } from "../../src/index";
import { MAX_CHILD_END_CHARACTERS } from "../../src/limits";
import type { Json, JsonObject } from "../../src/rpc/any";
import { eventually } from "../support/eventually";
import { clock } from "./clock";
import { type Script, controls } from "./controls";
import {
  type OperationJson,
  type Started,
  advanceToAlarm,
  advanceUntil,
  call,
  getOperation,
  openSockets,
  outboxIsEmpty,
  runNext,
  socketIsOpen,
  startScript,
  startedFrom,
  stateOf,
  storedBy,
  storedRecord,
  useFreshWorld,
} from "./harness";
import worker from "./worker";

useFreshWorld();

interface ChildScript extends Partial<ChildOptions> {
  verb?: string;
}

/** Starts a child whose work is `script`. */
function startChild(op: OperationContext, key: string, script: Script, { verb = "run", ...options }: ChildScript = {}) {
  controls.scripts.set(key, script);
  const method = worker.methods.find(({ id }) => id === `scripts:${verb}`)!;
  return op.start(method, { script: key }, { key, ...options });
}

const answers =
  (answer: Json): Script =>
  async () => ({ answer });

const fails: Script = async () => {
  throw new RpcError("FAILED_PRECONDITION", "It does not work.");
};

function told({ response, error }: ChildOutcome): Json {
  return error ? error.code : (response["answer"] as Json);
}

/** Delivers every message that was sent, until there are no more. */
async function runAll(): Promise<void> {
  while (controls.sent.length > 0) await runNext();
}

/** Delivers what is sent until the operation is done. */
async function finish({ name }: Started): Promise<void> {
  await eventually(async () => {
    await runAll();
    return (await getOperation(name)).done;
  });
}

const targetOf = ({ metadata }: OperationJson): string => metadata.value["target"] as string;

/** In the order of their keys. */
async function childrenOf({ name }: Started): Promise<Started[]> {
  const filter = encodeURIComponent(`parentOperation="${name}"`);
  const { body } = await call("GET", `/v1/projects/p/operations?filter=${filter}`);
  const operations = ((body["operations"] ?? []) as OperationJson[]).toSorted((a, b) =>
    targetOf(a).localeCompare(targetOf(b)),
  );
  return operations.map((operation) => startedFrom({ status: 200, headers: new Headers(), body: operation }));
}

const responseOf = async ({ name }: Started): Promise<Json | undefined> =>
  ((await getOperation(name))["response"] as JsonObject | undefined)?.["value"];

/** Work that starts children and joins them. */
function joining(scripts: readonly Script[], options: { atLeast?: number } & ChildScript = {}): Script {
  return async (op) => {
    const { atLeast, ...start } = options;
    const children = await Promise.all(
      scripts.map((script, i) => startChild(op, `${op.name.slice(-4)}-${i}`, script, start)),
    );
    return { outcomes: (await op.join(children, atLeast === undefined ? {} : { atLeast })).map(told) };
  };
}

/** An operation that waits for its children, none of which has run. */
async function joined(scripts: readonly Script[], options: { atLeast?: number } & ChildScript = {}) {
  const operation = await startScript(joining(scripts, options));
  await runNext();
  return operation;
}

describe("a child operation", () => {
  test("is an ordinary operation with its parent in the metadata", async () => {
    const operation = await startScript(async (op) => {
      const { name } = await startChild(op, "a", answers(1), { labels: { kind: "page" } });
      return { name };
    });
    await runNext();
    const { name } = (await responseOf(operation)) as { name: string };
    const { metadata, done } = await getOperation(name);

    expect(name).toMatch(/^projects\/p\/operations\/[0-9a-f]{64}$/);
    expect(done).toBe(false);
    expect(metadata.value).toMatchObject({
      parentOperation: operation.name,
      labels: { kind: "page" },
      target: "projects/p/scripts/a",
      verb: "run",
    });
  });

  test("is found by a filter", async () => {
    const operation = await joined([answers(1), answers(2)]);

    expect(await childrenOf(operation)).toHaveLength(2);
    expect(await childrenOf({ ...operation, name: "projects/p/operations/other" })).toEqual([]);
  });

  test("is started under another parent if the work says so", async () => {
    const operation = await startScript(async (op) => ({
      name: (await startChild(op, "a", answers(1), { parent: "projects/q" })).name,
    }));
    await runNext();

    expect(await responseOf(operation)).toEqual({ name: expect.stringMatching(/^projects\/q\/operations\//) });
  });

  test("is started once for its key, however often the work is called", async () => {
    let attempts = 0;
    const operation = await startScript(async (op) => {
      attempts += 1;
      const child = await startChild(op, "a", answers(attempts));
      if (attempts < 3) throw new Error("once more");
      return { name: child.name };
    });
    await advanceUntil(operation, async () => {
      const isSent = controls.sent.findIndex(({ id }) => id === operation.id);
      if (isSent >= 0) controls.sent.unshift(...controls.sent.splice(isSent, 1));
      if (isSent >= 0) await runNext();
      return (await getOperation(operation.name)).done;
    });

    expect(attempts).toBe(3);
    expect((await childrenOf(operation)).map(({ name }) => name)).toEqual([
      ((await responseOf(operation)) as { name: string }).name,
    ]);
  });

  test("is rejected to the work if its method does not accept the request", async () => {
    const operation = await startScript(async (op) => {
      const outcome = await startChild(op, "a", answers(1), { parent: "folders/f" }).catch((error: unknown) => error);
      return { message: String(outcome) };
    });
    await runNext();

    expect(await responseOf(operation)).toEqual({
      message: expect.stringMatching(/^RpcError: parent: "folders\/f" does not fit the path/),
    });
    expect(await childrenOf(operation)).toEqual([]);
  });

  test("goes directly where its method does", async () => {
    const operation = await joined([answers(1), answers(2)], { verb: "direct" });
    await finish(operation);

    expect(controls.directRuns).toBe(2);
    expect(await responseOf(operation)).toEqual({ outcomes: [1, 2] });
  });

  test("is started by work that its own object calls", async () => {
    const operation = await startScript(joining([answers(1), answers(2)]), { verb: "direct" });
    await eventually(async () => (await stateOf(operation)) === "SUSPENDED");
    await finish(operation);

    expect(await responseOf(operation)).toEqual({ outcomes: [1, 2] });
  });
});

describe("a join", () => {
  test("holds nothing while it waits: no runner, no socket, no lease, no message", async () => {
    const operation = await joined([answers(1), answers(2)]);
    const record = (await storedRecord(operation))!;

    expect(record).toMatchObject({
      state: "SUSPENDED",
      waitsFor: { joins: [{ places: [[0, 1]], atLeast: 2 }] },
      children: { count: 2, started: 2 },
    });
    expect(record.fence).toBeUndefined();
    expect(await openSockets(operation, "run")).toBe(0);
    expect(controls.sent.map(({ id }) => id)).not.toContain(operation.id);
  });

  test("gives the outcomes in the order of the children", async () => {
    const operation = await joined([answers("a"), fails, answers("c")]);
    controls.sent.reverse();
    await finish(operation);

    expect(await responseOf(operation)).toEqual({ outcomes: ["a", "FAILED_PRECONDITION", "c"] });
  });

  test("wakes its parent once, not for each child", async () => {
    const operation = await joined([answers(1), answers(2), answers(3)]);
    const parentMessages = (): number => controls.sent.filter(({ id }) => id === operation.id).length;
    await runNext();
    await runNext();
    const before = parentMessages();
    await runNext();
    await eventually(() => parentMessages() > 0);

    expect([before, parentMessages()]).toEqual([0, 1]);
  });

  test("with atLeast returns the outcomes of the ended children, and the others continue", async () => {
    const operation = await joined([answers(1), answers(2), answers(3)], { atLeast: 2 });
    const last = controls.sent.pop()!;
    await runAll();
    const others = await childrenOf(operation);
    controls.sent.push(last);
    await finish(operation);

    expect(await responseOf(operation)).toEqual({ outcomes: [1, 2] });
    expect(others).toHaveLength(3);
    for (const { name } of others) expect(await getOperation(name)).toMatchObject({ done: true });
  });

  test("does not wait for children that have ended before it", async () => {
    const operation = await startScript(async (op) => {
      const child = await startChild(op, "a", answers(1));
      await socketIsOpen(operation);
      await op.step("run the child", () => runNext());
      return { outcomes: (await op.join([child])).map(told) };
    });
    await runNext();

    expect(await responseOf(operation)).toEqual({ outcomes: [1] });
    expect((await storedRecord(operation))!.marks).toBe(2);
  });

  test("reads large responses from the children", async () => {
    const large = "x".repeat(MAX_CHILD_END_CHARACTERS);
    const operation = await joined([answers(large), answers("small")]);
    await finish(operation);

    expect(await responseOf(operation)).toEqual({ outcomes: [large, "small"] });
  });

  test.each([
    ["before its end", false],
    ["after its end", true],
  ])("gives NOT_FOUND for a child that was deleted %s", async (_, runsFirst) => {
    const operation = await joined([answers(1), answers(2)]);
    const [first] = await childrenOf(operation);
    if (runsFirst) await runNext();
    await call("DELETE", `/v1/${first!.name}`);
    await runAll();
    await finish(operation);

    expect(await responseOf(operation)).toEqual({ outcomes: ["NOT_FOUND", 2] });
  });

  test("gives NOT_FOUND for a child that has expired", async () => {
    const operation = await joined([answers(1), answers(2)], { verb: "forget" });
    const [last] = controls.sent.splice(1, 1);
    await runNext();
    clock.advance(120_000);
    controls.sent.push(last!);
    await finish(operation);

    expect(await responseOf(operation)).toEqual({ outcomes: ["NOT_FOUND", 2] });
  });

  test("survives the loss of every object's memory", async () => {
    const operation = await joined([answers(1), answers(2)]);
    const children = await childrenOf(operation);
    await runNext();
    for (const { stub } of [operation, ...children]) await evictDurableObject(stub);
    await finish(operation);

    expect(await responseOf(operation)).toEqual({ outcomes: [1, 2] });
  });

  test("continues if children ended while their parent was being suspended", async () => {
    const release = controls.indexWrite;
    let held = Infinity;
    const operation = await startScript(async (op) => {
      const child = await startChild(op, "a", answers(1));
      await op.step("the index does not answer", async () => {
        release.hold();
        held = release.passed;
      });
      return { outcomes: (await op.join([child])).map(told) };
    });
    const running = runNext();
    await eventually(() => release.passed > held);
    const child = runNext();
    await eventually(async () => (await storedBy(operation)).includes("children/000001"));
    release.open();
    await Promise.all([running, child]);
    await finish(operation);

    expect(await responseOf(operation)).toEqual({ outcomes: [1] });
  });

  test("receives a lost end once more", async () => {
    const operation = await joined([answers(1)]);
    const [child] = await childrenOf(operation);
    controls.childEnded.fail("out of reach");
    await runNext();
    await eventually(() => controls.childEnded.passed > 0);
    controls.childEnded.open();
    await advanceUntil(child!, async () => (await stateOf(operation)) === "QUEUED");
    await finish(operation);

    expect(await responseOf(operation)).toEqual({ outcomes: [1] });
  });

  test("does not change by an end that comes twice, or is another child's", async () => {
    const operation = await joined([answers(1), answers(2)]);
    const [first] = await childrenOf(operation);
    await runNext();
    const end = { time: Date.now(), response: '{"@type":"other","answer":9}' };
    await operation.stub.childEnded(operation.name, { place: 0, id: first!.id }, end);
    await operation.stub.childEnded(operation.name, { place: 1, id: first!.id }, end);
    await finish(operation);

    expect(await responseOf(operation)).toEqual({ outcomes: [1, 2] });
  });

  test("op.call gives the response of one child, or throws its error", async () => {
    controls.scripts.set("a", answers(1));
    controls.scripts.set("b", fails);
    const method = worker.methods.find(({ id }) => id === "scripts:run")!;
    const operation = await startScript(async (op) => {
      const response = await op.call(method, { script: "a" }, { key: "a" });
      const error: unknown = await op.call(method, { script: "b" }, { key: "b" }).catch((thrown) => thrown);
      return { response, error: String(error) };
    });
    await finish(operation);

    expect(await responseOf(operation)).toEqual({ response: { answer: 1 }, error: "RpcError: It does not work." });
  });
});

describe("CancelOperation", () => {
  test("cancels the children that are not detached, and theirs", async () => {
    const operation = await startScript(async (op) => {
      const attached = await startChild(op, "attached", joining([answers(1)]));
      const detached = await startChild(op, "detached", answers(2), { detached: true });
      return { outcomes: (await op.join([attached, detached])).map(told) };
    });
    await runNext();
    const [attached, detached] = await childrenOf(operation);
    await runNext();
    const [grandchild] = await childrenOf(attached!);
    await call("POST", `/v1/${operation.name}:cancel`);
    await eventually(async () => (await stateOf(grandchild!)) === "CANCELLED");

    expect(await stateOf(operation)).toBe("CANCELLED");
    expect(await stateOf(attached!)).toBe("CANCELLED");
    expect(await stateOf(detached!)).toBe("QUEUED");
  });

  test("cancels the children of an operation that does not stop by itself", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const operation = await startScript(async (op) => {
      await startChild(op, "a", answers(1));
      await promise;
      return {};
    });
    const running = runNext();
    await eventually(async () => (await childrenOf(operation)).length === 1 && controls.sent.length === 1);
    await call("POST", `/v1/${operation.name}:cancel`);
    const [child] = await childrenOf(operation);
    await eventually(async () => (await stateOf(child!)) === "CANCELLED");
    const state = await stateOf(operation);
    resolve();
    await running;

    expect(state).toBe("CANCELLING");
  });

  test("cancels children once more that could not be reached", async () => {
    const operation = await joined([answers(1)]);
    const [child] = await childrenOf(operation);
    controls.cancelChild.fail("out of reach");
    await call("POST", `/v1/${operation.name}:cancel`);
    await eventually(async () => controls.cancelChild.passed > 0);
    const before = await stateOf(child!);
    controls.cancelChild.open();
    await advanceUntil(operation, async () => (await stateOf(child!)) === "CANCELLED");

    expect(before).toBe("QUEUED");
  });

  test("leaves no unfinished start", async () => {
    const operation = await startScript(async (op) => {
      await startChild(op, "a", answers(1));
      return {};
    });
    controls.start.hold();
    const running = runNext();
    await eventually(async () => controls.start.passed > 1);
    await call("POST", `/v1/${operation.name}:cancel`);
    controls.start.open();
    await running;
    await eventually(async () => {
      const children = await childrenOf(operation);
      if (children.length === 0) return false;
      await advanceToAlarm(operation).catch(() => undefined);
      return (await stateOf(children[0]!)) === "CANCELLED";
    });

    expect(await childrenOf(operation)).toHaveLength(1);
  });
});

test("the deadline of an operation cancels its children", async () => {
  const operation = await startScript(joining([answers(1)]), { verb: "hurry" });
  await runNext();
  const [child] = await childrenOf(operation);
  await advanceUntil(operation, async () => (await getOperation(operation.name)).done);
  await eventually(async () => (await stateOf(child!)) === "CANCELLED");

  expect(await stateOf(operation)).toBe("FAILED");
});

test("DeleteOperation does not touch the children", async () => {
  const operation = await joined([answers(1)]);
  const [child] = await childrenOf(operation);
  await call("DELETE", `/v1/${operation.name}`);
  await outboxIsEmpty(operation);

  expect(await stateOf(child!)).toBe("QUEUED");
});

describe("limits", () => {
  test("operations start one another over at most 10 levels", async () => {
    const levels: number[] = [];
    const nested =
      (level: number): Script =>
      async (op) => {
        levels.push(level);
        await startChild(op, `level-${level + 1}`, nested(level + 1));
        return {};
      };
    await startScript(nested(0));
    await runAll();

    expect(levels).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });
});

test("ExplainOperation says for which children it waits, and whose child it is", async () => {
  const operation = await joined([answers(1), answers(2)]);
  const [child] = await childrenOf(operation);
  const explained = await call("GET", `/v1/${operation.name}:explain`);
  const childExplained = await call("GET", `/v1/${child!.name}:explain`);

  expect(explained.body["summary"]).toContain(
    "It waits until 2 of 2 child operations have ended; of its 2 children 0 have ended.",
  );
  expect(explained.body["children"]).toBe(2);
  expect(childExplained.body["parentOperation"]).toBe(operation.name);
});
