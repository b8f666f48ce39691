// The trace of a start goes with the operation: to its handler, into every transition line, and into the platform's spans.
import { tracing } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { controls } from "./controls";
import { eventually } from "../support/eventually";
import { advanceUntil, call, runNext, scriptPath, startedFrom, storedRecord, useFreshWorld } from "./harness";

useFreshWorld();
afterEach(() => {
  vi.restoreAllMocks();
});

const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

test("a handler gets the start's traceparent in every attempt, and each transition line has it and the start", async () => {
  const lines: Record<string, unknown>[] = [];
  vi.spyOn(console, "log").mockImplementation((line: Record<string, unknown>) => void lines.push(line));
  const seen: (string | undefined)[] = [];
  const path = scriptPath(async (op) => {
    seen.push(op.traceparent);
    await op.sleep("10s");
    return {};
  });
  const operation = startedFrom(await call("POST", path, {}, { traceparent: TRACEPARENT }));
  await runNext();
  await advanceUntil(operation, () => controls.sent.length > 0);
  await runNext();
  await eventually(async () => (await storedRecord(operation))?.state === "SUCCEEDED");
  const start = lines.find(({ message }) => message === "request");
  const transitions = lines.filter(({ message }) => message === "transition");

  expect(seen).toEqual([TRACEPARENT, TRACEPARENT]);
  expect(transitions.map(({ cause }) => cause)).toEqual(["start", "claim", "sleep", "wake", "claim", "succeed"]);
  for (const line of transitions)
    expect(line).toMatchObject({ traceparent: TRACEPARENT, startRequestId: start?.["requestId"] });
});

test("a malformed traceparent is not stored", async () => {
  const seen: (string | undefined)[] = [];
  const path = scriptPath(async (op) => {
    seen.push(op.traceparent);
    return {};
  });
  const operation = startedFrom(await call("POST", path, {}, { traceparent: `${TRACEPARENT}<script>` }));
  await runNext();

  expect(seen).toEqual([undefined]);
  expect(await storedRecord(operation)).not.toHaveProperty("traceparent");
});

test("each attempt and each step is a span that names operation, method and attempt", async () => {
  const spans: { name: string; attributes: Record<string, unknown>; ended: boolean }[] = [];
  vi.spyOn(tracing, "enterSpan").mockImplementation(((name: string, work: (span: unknown) => Promise<unknown>) => {
    const span = { name, attributes: {} as Record<string, unknown>, ended: false };
    spans.push(span);
    const settled = work({
      isTraced: true,
      setAttributes: (attributes: object) => void Object.assign(span.attributes, attributes),
    });
    return settled.finally(() => void (span.ended = true));
  }) as typeof tracing.enterSpan);
  const path = scriptPath(async (op) => {
    await op.step("first", () => 1);
    await op.sleep("10s");
    await op.step("second", () => 2);
    return {};
  });
  const operation = startedFrom(await call("POST", path, {}, { traceparent: TRACEPARENT }));
  await runNext();
  await advanceUntil(operation, () => controls.sent.length > 0);
  await runNext();
  const attributes = {
    "operation.name": operation.name,
    "operation.method": "scripts:run",
    "operation.attempt": 1,
    "operation.traceparent": TRACEPARENT,
  };

  expect(spans).toEqual([
    { name: "operation.attempt", attributes, ended: true },
    { name: "operation.step", attributes: { ...attributes, "operation.step": "first" }, ended: true },
    { name: "operation.attempt", attributes, ended: true },
    { name: "operation.step", attributes: { ...attributes, "operation.step": "second" }, ended: true },
  ]);
});
