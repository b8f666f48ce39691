// A method under test: what it is given, and what became of it.
import type { DurationText } from "../aip/duration";
import type { MetadataOf, OperationResource } from "../client/operation-state";
import type { OperationCaller } from "../method/method";
import type { Json, JsonObject } from "../rpc/any";
import type { RpcError } from "../rpc/error";
import type { StepMocks, Takes } from "./step-mock";

/** A raw body. */
export type TestInput = string | Uint8Array | Blob | ReadableStream<Uint8Array>;

export interface RunMethodOptions {
  /** Replacements of steps by their names: results, or functions. The other steps run their own functions. */
  steps?: StepMocks;
  /** Answers to suspensions, by their names: payloads, or functions. `takes("3d", payload)` answers later. */
  answers?: TestAnswers;
  /**
   * How children end, by the ids of their methods: a response, an RpcError, or a function that gives either. `takes("3s", …)`
   * ends later. Children of a method that is not named here are an error.
   */
  children?: TestChildren;
  /** The raw body, of a method that takes one. */
  input?: TestInput;
  /** The media type of `input`. Default: the first that the method takes. */
  contentType?: string;
  /** The caller that starts the operation: `op.caller`. Default: an anonymous one. */
  caller?: OperationCaller;
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
  /** The children in the order in which they were started. */
  children: TestedChild[];
  /** The calls of `op.progress`, in order. */
  progress: JsonObject[];
  /** The text that `op.write` has written. */
  output: string;
  /** The lines of `op.log`, and those of the runner about failures. */
  logs: LogLine[];
  /** How long the operation took by the test's clock, in milliseconds. */
  durationMs: number;
  /** Mocks and answers whose steps, children and suspensions were not reached. */
  unusedMocks: string[];
}

/** A line of the log: of `op.log`, or of the runner about a failure. */
export interface LogLine extends Record<string, unknown> {
  level: "log" | "warn" | "error";
  message?: unknown;
}

export interface TestedStep {
  name: string;
  /** How often its function was called. */
  runs: number;
  result?: Json;
}

/** A child that was started. */
export interface TestedChild {
  key: string;
  /** The id of its method: `pages:render`. */
  method: string;
  request: JsonObject;
}

/** The end of a child, or a function that gives it; within `takes("3s", …)` it comes later. */
export type TestChild =
  | JsonObject
  | RpcError
  | Takes
  | ((child: Pick<TestedChild, "key" | "request">) => JsonObject | RpcError | Promise<JsonObject | RpcError>);

/** Ends of children by the ids of their methods. */
export type TestChildren = Readonly<Record<string, TestChild>>;

/** A suspension that waits for its answer. */
export interface AskedSuspension {
  readonly name: string;
  readonly prompt: string | undefined;
}

/** An answer, or a function that gives it; within `takes("3d", …)` it comes later. */
export type TestAnswer = Json | Takes | ((suspension: AskedSuspension) => Json | Promise<Json>);

/** Answers by the suspension's name. One without an answer expires. */
export type TestAnswers = Readonly<Record<string, TestAnswer>>;
