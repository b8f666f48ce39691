// A start under a requestId: which store is told that the operation was created, and by whom.
import { expect, test } from "vitest";
import type { StartAnswer } from "../../../src/contract/answer";
import { FullShards } from "../../../src/service/full-shards";
import { type StartPorts, startOnce } from "../../../src/service/start-once";
import { CREATE_TIME, anOperation } from "../../support/an-operation";

const ID = "a".repeat(64);

/** Starts under a requestId; gives the ids that the Worker marks as created. */
async function markedBy(answer: Extract<StartAnswer, { ok: true }>): Promise<string[]> {
  const marked: string[] = [];
  const ports: StartPorts = {
    store: { newId: () => ID, start: async () => answer, started: async () => undefined },
    requests: {
      reserve: async (_scope, _key, mine) => ({ ok: true, reservation: mine }),
      markCreated: async (_scope, _created, operationId) => void marked.push(operationId),
      digestOf: async () => "",
    },
    slots: { acquire: async () => true, release: async () => {} },
    fullShards: new FullShards(),
  };
  await startOnce(ports, {
    caller: { id: "user:ada", members: [], mayUseRequestId: true, httpRequestId: "" },
    method: "things:make",
    parent: "projects/p",
    requestId: "one",
    json: {},
    place: {},
    input: undefined,
    now: CREATE_TIME,
    indexShards: 4,
    maxOperationsPerCaller: undefined,
    operationOptions: {},
    operation: ({ id, name, createTime }) => anOperation({ id, name, createTime, parent: "projects/p" }),
  });
  return marked;
}

const answer = { json: "{}", etag: "", done: false, createTime: CREATE_TIME };

test("the Worker does not mark an operation that notifies shard 0 by itself", async () => {
  expect(await markedBy({ ok: true, answer, marksReservation: true })).toEqual([]);
});

// For minutes after a deploy, a busy object may run the code before it.
test("the Worker marks an operation whose object runs the code of an earlier version", async () => {
  expect(await markedBy({ ok: true, answer })).toEqual([ID]);
});
