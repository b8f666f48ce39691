// Plays a method from its start to its end, and says what its clients would see.
import { durationTextToMs } from "../aip/duration";
import { stateFromResource } from "../client/operation-state";
import type { Method } from "../method/define-method";
import type { Json, JsonObject } from "../rpc/any";
import { rpcErrorFromStatus } from "../rpc/decode";
import type { Status } from "../rpc/status";
import type { MethodRun, RunMethodOptions, TestedStep } from "./method-run";
import { type StartedInMemory, startInMemory } from "./start";
import { type RunObserver, TestRun } from "./test-run";

const PATIENCE_MS = 4_000;

export async function startOf(
  method: Method,
  request: JsonObject,
  { startTime = new Date(), ...options }: RunMethodOptions,
): Promise<StartedInMemory> {
  const json = JSON.parse(JSON.stringify(request)) as JsonObject;
  return startInMemory(method, json, { ...options, now: startTime.getTime() });
}

/** A run that has come to its end. */
export async function played(
  method: Method,
  started: StartedInMemory,
  { steps = {}, answers = {}, children = {}, cancelAfter, patienceMs = PATIENCE_MS }: RunMethodOptions,
  observer?: RunObserver,
): Promise<TestRun> {
  const cancelAfterMs = cancelAfter === undefined ? undefined : durationTextToMs(cancelAfter);
  if (cancelAfter !== undefined && cancelAfterMs === undefined)
    throw new TypeError(`cancelAfter is ${JSON.stringify(cancelAfter)}; write a number and a unit: "90s", "1h"`);
  const startTime = started.operation.createTime;
  const run = new TestRun(
    method,
    started,
    { steps, answers, children, cancelAfterMs, startTime, patienceMs },
    observer,
  );
  await run.play();
  const unused = [
    ...Object.keys(steps).filter((name) => !run.steps.usedMocks.has(name)),
    ...Object.keys(answers).filter((name) => !run.answers.given.has(name)),
    ...Object.keys(children).filter((id) => !run.children.usedMocks.has(id)),
  ];
  run.unusedMocks.push(...unused);
  return run;
}

export function runOf(run: TestRun): MethodRun {
  const { operation } = run;
  const { record } = operation;
  const json = JSON.parse(operation.json) as JsonObject;
  const { name, metadata, response, resource } = stateFromResource<JsonObject, JsonObject>(json);
  return {
    name,
    ...(response === undefined ? {} : { response }),
    ...(resource.error === undefined ? {} : { error: rpcErrorFromStatus(resource.error as Status) }),
    metadata,
    operation: resource,
    attempts: run.attempts,
    invocations: run.calls.length,
    steps: Array.from(run.steps.runs, ([step, { runs }]): TestedStep => {
      const result = operation.results.get(step);
      return { name: step, runs, ...(result === undefined ? {} : { result: JSON.parse(result) as Json }) };
    }),
    children: run.children.started,
    progress: run.progress,
    output: operation.output,
    logs: run.logs,
    durationMs: (record.endTime ?? record.createTime) - record.createTime,
    unusedMocks: run.unusedMocks,
  };
}
