// A deployment of a test's own methods, over the objects of the worker under test: its clients, and its consumer, whose
// every invocation a test lets happen by hand.
import {
  createExecutionContext,
  createMessageBatch,
  runDurableObjectAlarm,
  runInDurableObject,
  waitOnExecutionContext,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { DEFAULT_LEASE_MS } from "../../src/limits";
import {
  type Env,
  type Method,
  type MethodDeclaration,
  type OperationContext,
  type OperationsOptions,
  defineMethod,
  operations,
} from "../../src/index";
import type { StoredRecord } from "../../src/lifecycle/stored-record";
import type { Any, JsonObject } from "../../src/rpc/any";
import type { Status } from "../../src/rpc/status";
import { clock } from "./clock";

/** An Operation as clients see it. */
export interface SeenOperation {
  name: string;
  metadata: Any & { value: JsonObject };
  done: boolean;
  error?: Status;
  response?: Any & { value: JsonObject };
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  json: JsonObject;
  /** The answer, where it is an operation. */
  operation: SeenOperation;
  /** `reason` of an error's ErrorInfo, and the fields it is about. */
  reason: string | undefined;
  fields: string[];
}

/** Where {@link aMethod} is called. */
export const MAKE = "/v1/projects/p/things:make";

/** A method that does what a test says. */
export function aMethod(
  run: (op: OperationContext, request: JsonObject) => Promise<object>,
  options: Partial<MethodDeclaration<JsonObject, object>> = {},
): Method {
  return defineMethod<JsonObject>({
    http: { post: "/v1/{parent=projects/*}/things:make", body: "*" },
    request: (json: JsonObject) => json,
    ...options,
    run: (request, op) => run(op, request),
  });
}

export function aDeployment(
  options: OperationsOptions,
  variables: Pick<Env, "EMULATION" | "INDEX_SHARDS" | "INVOCATION_SECONDS"> = {},
) {
  const worker = operations(options);
  const environment: Env = { ...env, ...variables };

  async function call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const isJson = body !== undefined && typeof body !== "string" && !(body instanceof ReadableStream);
    const request = new Request(`https://api.example${path}`, {
      method,
      headers: { ...(isJson ? { "Content-Type": "application/json" } : {}), ...headers },
      ...(body === undefined ? {} : { body: isJson ? JSON.stringify(body) : (body as BodyInit) }),
    });
    return answerFrom(await worker.fetch(request, environment));
  }

  /** Delivers an operation's queue message, and gives control back when the invocation is over. */
  async function deliver(name: string): Promise<void> {
    const message = { id: crypto.randomUUID(), timestamp: new Date(), attempts: 1, body: { id: idOf(name) } };
    const context = createExecutionContext();
    await worker.queue(createMessageBatch("edge-operations", [message]), environment, context);
    await waitOnExecutionContext(context);
  }

  const get = async (name: string): Promise<SeenOperation> => (await call("GET", `/v1/${name}`)).operation;

  return {
    call,
    get,
    deliver,
    post: (path: string, body: unknown = {}, headers: Record<string, string> = {}) => call("POST", path, body, headers),
    patch: (path: string, body: unknown, headers: Record<string, string> = {}) => call("PATCH", path, body, headers),
    /** Delivers, and lets sleeps and backoffs pass, until the operation is done. */
    async runToEnd(name: string, turns = 60): Promise<SeenOperation> {
      for (let turn = 1; turn <= turns; turn += 1) {
        await deliver(name);
        const operation = await get(name);
        if (operation.done) return operation;
        await letTimePass(name);
      }
      throw new Error(`${name} is not done after ${turns} turns`);
    },
  };
}

export async function answerFrom(response: Response): Promise<Answer> {
  const text = await response.text();
  const json = (text.startsWith("{") ? JSON.parse(text) : {}) as JsonObject;
  const details = ((json["error"] as JsonObject | undefined)?.["details"] ?? []) as JsonObject[];
  const detail = (type: string): JsonObject | undefined =>
    details.find((any) => any["@type"] === `type.googleapis.com/google.rpc.${type}`);
  const violations = (detail("BadRequest")?.["fieldViolations"] ?? []) as { field: string }[];
  return {
    status: response.status,
    headers: response.headers,
    text,
    json,
    operation: json as unknown as SeenOperation,
    reason: detail("ErrorInfo")?.["reason"] as string | undefined,
    fields: violations.map(({ field }) => field),
  };
}

export function idOf(name: string): string {
  return name.split("/").at(-1) ?? "";
}

export function objectOf(name: string) {
  return env.OPERATIONS.get(env.OPERATIONS.idFromString(idOf(name)));
}

/** The keys of what an operation's object stores. */
export function storedKeys(name: string): Promise<string[]> {
  return runInDurableObject(objectOf(name), (_, { storage }) => Array.from(storage.kv.list(), ([key]) => key));
}

export function recordOf(name: string): Promise<StoredRecord | undefined> {
  return runInDurableObject(objectOf(name), (_, { storage }) => storage.kv.get<StoredRecord>("record"));
}

/** Moves the clock to the next alarm of an operation's object, and fires it; false without an alarm. */
export async function letTimePass(name: string): Promise<boolean> {
  const stub = objectOf(name);
  const time = await runInDurableObject(stub, (_, { storage }) => storage.getAlarm());
  if (time === null) return false;
  clock.advanceTo(time);
  return runDurableObjectAlarm(stub);
}

/** Lets the lease of an operation's runner pass without a keep-alive, as when its platform has died. */
export async function loseLease(name: string): Promise<void> {
  clock.advance(DEFAULT_LEASE_MS + 1_000);
  await letTimePass(name);
}
