// Tasks of answers that say less: of an object that an earlier version runs, and of a snapshot.
import { describe, expect, it } from "vitest";
import type { ReadAnswer } from "../../../src/contract/answer";
import type { AgentCall, Service } from "../../../src/mcp/agent-call";
import { parsed, taskFrom, updateTask } from "../../../src/mcp/tasks";
import type { ResolveRefusal } from "../../../src/contract/suspension";
import { UsualDurations } from "../../../src/service/usual-durations";

const CREATE_TIME = Date.UTC(2026, 0, 1);
const name = `operations/${"a".repeat(64)}`;
const call = {} as AgentCall;
const service = { now: () => CREATE_TIME + 60_000, usualDurations: new UsualDurations() } as Service;

async function task(read: ReadAnswer) {
  return taskFrom(call, await parsed(read, name), service);
}

describe("taskFrom", () => {
  it("describes the answer of an earlier version without its retention", async () => {
    const json = JSON.stringify({ name, metadata: { "@type": "x/y.Progress", statusMessage: "Half" }, done: false });

    expect(await task({ json, etag: '"1"', done: false, createTime: CREATE_TIME })).toEqual({
      taskId: name,
      status: "working",
      statusMessage: "Half",
      createdAt: "2026-01-01T00:00:00.000Z",
      lastUpdatedAt: "2026-01-01T00:00:00.000Z",
      ttlMs: null,
      pollIntervalMs: 6_000,
    });
  });

  it("describes a snapshot by its end, and its metadata's createTime", async () => {
    const metadata = {
      "@type": "type.googleapis.com/google.protobuf.Struct",
      value: { createTime: "2025-12-31T00:00:00Z" },
    };
    const response = { "@type": "type.googleapis.com/google.protobuf.Struct", value: { size: 3 } };
    const json = JSON.stringify({ name, metadata, done: true, response });

    expect(await task({ json, etag: '"2"', done: true, snapshot: { endTime: CREATE_TIME } })).toMatchObject({
      status: "completed",
      createdAt: "2025-12-31T00:00:00Z",
      lastUpdatedAt: "2026-01-01T00:00:00.000Z",
      result: { structuredContent: { size: 3 }, content: [{ type: "text", text: '{"size":3}' }] },
    });
  });

  it("has the value of a response that is no object", async () => {
    const response = { "@type": "type.googleapis.com/google.protobuf.StringValue", value: "hello" };
    const json = JSON.stringify({ name, done: true, response });

    expect(await task({ json, etag: '"2"', done: true, createTime: CREATE_TIME })).toMatchObject({
      result: { structuredContent: "hello" },
    });
  });

  it("reads no result that is streamed, because it is too large", async () => {
    let cancelled = false;
    const json = new ReadableStream<Uint8Array>({ cancel: () => void (cancelled = true) });

    expect(await task({ json, etag: '"2"', done: true, createTime: CREATE_TIME })).toMatchObject({
      status: "completed",
      result: { isError: true },
    });
    expect(cancelled).toBe(true);
  });
});

describe("updateTask", () => {
  const suspensions = [{ name: `${name}/suspensions/approval`, state: "PENDING" }];
  const inputResponses = { approval: { action: "accept", content: {} } };

  /** The suspension was pending a moment ago. */
  function update(refusal: ResolveRefusal) {
    const store = {
      suspensions: async () => JSON.stringify({ suspensions }),
      resolve: async () => ({ ok: false, refusal }),
    };
    const principal = { id: "bob", members: [], grants: [], isAdmin: false };
    const reach = { service: async () => ({ store, principal }) } as unknown as AgentCall;
    return updateTask(reach, { taskId: name, inputResponses });
  }

  it.each<ResolveRefusal>(["RESOLVED", "EXPIRED", "ALREADY_DONE", "CANCELLING"])(
    "ignores an answer that has become %s meanwhile",
    async (refusal) => {
      expect(await update(refusal)).toEqual({});
    },
  );

  it("does not hide that the answer was not stored", async () => {
    await expect(update("TOO_MANY_ANSWERS")).rejects.toMatchObject({ code: "RESOURCE_EXHAUSTED" });
  });
});
