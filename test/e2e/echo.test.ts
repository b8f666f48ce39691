// Two hundred operations at once: each ends rightly, is listed once, and answers who waits for it by a push.
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually";
import { type Operation, listAll, postOperation } from "./client";
import { DevServer } from "./dev-server";

const COUNT = Number(process.env["ECHO_OPERATIONS"] ?? 200);
const TTL = "5s";

let server: DevServer;

beforeAll(async () => {
  server = await DevServer.start();
});

afterAll(async () => {
  await server?.dispose();
});

function byName(operations: Operation[]): Operation[] {
  return operations.toSorted((a, b) => a.name.localeCompare(b.name));
}

test("operations started at once end with the right result, and every waiter is answered by the push", async () => {
  const answers = await Promise.all(
    Array.from({ length: COUNT }, async (_, number) => {
      const started = await postOperation(`${server.url}/v1beta1/echo:wait`, {
        ttl: TTL,
        success: { content: `echo ${number}` },
      });
      const operation = await postOperation(`${server.url}/v1/${started.name}:wait`, { timeout: "60s" });
      return { started, operation, answerTime: Date.now() };
    }),
  );
  // Wrangler logs a request a moment after it was answered.
  const requests = await eventually(() => {
    const logged = server.requests.filter((request) => !request.includes("/healthz"));
    return logged.length >= 2 * COUNT && logged;
  });
  const listed = await listAll(`${server.url}/v1/operations`);

  for (const [number, { started, operation, answerTime }] of answers.entries()) {
    expect(started.done).toBe(false);
    expect(operation.name).toBe(started.name);
    expect(operation.done).toBe(true);
    expect(operation.response).toEqual({
      "@type": "type.googleapis.com/google.showcase.v1beta1.WaitResponse",
      content: `echo ${number}`,
    });
    expect(answerTime).toBeGreaterThanOrEqual(Date.parse(String(started.metadata["endTime"])));
  }
  // One request for each start and one for each wait reached the service: nobody polled. That there is no polling behind
  // the door either, between Worker and object, is counted call by call in test/workers/wait.test.ts.
  expect(requests).toHaveLength(2 * COUNT);
  expect(requests.filter((request) => request.endsWith(":wait 200") && !request.includes("echo:wait"))).toHaveLength(
    COUNT,
  );
  // Each is recorded once, as its waiter saw it.
  expect(byName(listed)).toEqual(byName(answers.map(({ operation }) => operation)));
});
