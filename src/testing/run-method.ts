// runMethod: runs a method without a runtime, as its clients would see it.
import { type DurationText, durationTextToMs } from "../aip/duration";
import type { MetadataOfMethod, RequestOf, ResponseOf, TypedMethod } from "../client/method-client";
import { type MetadataOf, type OperationResource, stateFromResource } from "../client/operation-state";
import type { Method } from "../method/define-method";
import type { Json, JsonObject } from "../rpc/any";
import { rpcErrorFromStatus } from "../rpc/decode";
import type { RpcError } from "../rpc/error";
import type { Status } from "../rpc/status";
import { type StartedInMemory, type TestInput, startInMemory } from "./start";
import type { StepMocks } from "./step-mock";
import type { TestAnswers } from "./test-answers";
import { withSurroundings } from "./surroundings";
import { type LogLine, type RunObserver, TestRun } from "./test-run";

export interface RunMethodOptions {
  /** What runs in place of steps, by their names: results, or functions. The other steps run their own functions. */
  steps?: StepMocks;
  /** Answers to suspensions, by their names: payloads, or functions. `takes("3d", payload)` answers later. */
  answers?: TestAnswers;
  /** The raw body, of a method that takes one. */
  input?: TestInput;
  /** The media type of `input`. Default: the first that the method takes. */
  contentType?: string;
  /** When the operation starts. Default: the present time. */
  startTime?: Date;
  /** A client cancels the operation after this time, by the test's clock. */
  cancelAfter?: DurationText;
  /** How long, by the real clock, the code may run without a call of `op`, in milliseconds. Default 4,000. */
  patienceMs?: number;
}

/** The end of an operation under test. */
export interface MethodRun<Response = JsonObject, Metadata = JsonObject> {
  /** The operation's resource name. */
  name: string;
  /** Present if the operation succeeded. */
  response?: Response;
  /** Present if the operation failed. */
  error?: RpcError;
  /** The final metadata. */
  metadata: MetadataOf<Metadata>;
  /** The Operation as GetOperation answers. */
  operation: OperationResource;
  /** Attempts in all: 1 for a method that did not fail. */
  attempts: number;
  /** Calls of the method's function: one more for each attempt and for each sleep that ended an invocation. */
  invocations: number;
  /** The steps in the order in which they were first run. `result` is absent if none was stored. */
  steps: TestedStep[];
  /** The calls of `op.progress`, in order. */
  progress: JsonObject[];
  /** The lines of `op.log`, and those of the runner about failures. */
  logs: LogLine[];
  /** How long the operation took by the test's clock, in milliseconds. */
  durationMs: number;
  /** Mocks and answers whose steps and suspensions were not reached. */
  unusedMocks: string[];
}

export interface TestedStep {
  name: string;
  /** How often its function was called. */
  runs: number;
  result?: Json;
}

const PATIENCE_MS = 4_000;

/**
 * Runs a method to its end, in memory: sleeps and backoffs take no time. `request` is what a client sends.
 *
 * @throws RpcError if the service would reject the request. An operation that fails is no error here: the result has it.
 * @example
 * const { response, steps } = await runMethod(deliver, { parent: "projects/p", text: "Hello.", urls }, {
 *   steps: { "deliver *": 200 },
 * });
 */
export async function runMethod<M extends Method & TypedMethod>(
  method: M,
  request: RequestOf<M>,
  options: RunMethodOptions = {},
): Promise<MethodRun<ResponseOf<M>, MetadataOfMethod<M>>> {
  return withSurroundings(async () => {
    const started = await startOf(method, request, options);
    return runOf(await played(method, started, options)) as MethodRun<ResponseOf<M>, MetadataOfMethod<M>>;
  });
}

export async function startOf(
  method: Method,
  request: JsonObject,
  { input, contentType, startTime = new Date() }: RunMethodOptions,
): Promise<StartedInMemory> {
  const json = JSON.parse(JSON.stringify(request)) as JsonObject;
  return startInMemory(method, json, { input, contentType, now: startTime.getTime() });
}

/** A run that has come to its end. */
export async function played(
  method: Method,
  started: StartedInMemory,
  { steps = {}, answers = {}, cancelAfter, patienceMs = PATIENCE_MS }: RunMethodOptions,
  observer?: RunObserver,
): Promise<TestRun> {
  const cancelAfterMs = cancelAfter === undefined ? undefined : durationTextToMs(cancelAfter);
  if (cancelAfter !== undefined && cancelAfterMs === undefined)
    throw new TypeError(`cancelAfter is ${JSON.stringify(cancelAfter)}; write a number and a unit: "90s", "1h"`);
  const startTime = started.operation.createTime;
  const run = new TestRun(method, started, { steps, answers, cancelAfterMs, startTime, patienceMs }, observer);
  await run.play();
  const unused = [
    ...Object.keys(steps).filter((name) => !run.steps.usedMocks.has(name)),
    ...Object.keys(answers).filter((name) => !run.answers.given.has(name)),
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
    progress: run.progress,
    logs: run.logs,
    durationMs: (record.endTime ?? record.createTime) - record.createTime,
    unusedMocks: run.unusedMocks,
  };
}
