// Checks that the Worker has what no call can succeed without: its bindings, the queue handler, SQLite storage. Each error says
// what to add, and where.
import * as platform from "cloudflare:workers";
import { DIRECTORY_NAME } from "./durable/directory/directory-object";
import { RUNNER_EXPORT } from "./contract/direct-run";
import { isNamespace } from "./durable/namespaces";
import { callObject, lacksMethod, objectByName, sqliteMissing } from "./durable/object-call";
import { exportedRunner } from "./durable/operation/exported-runner";
import { queueFromEnv } from "./durable/operation/queues";
import type { Env } from "./env";
import type { Dispatch } from "./lifecycle/record";
import { OBJECT_CLASSES } from "./platform/configuration";
import { RpcError } from "./rpc/error";

interface SetupMethod {
  id: string;
  dispatch: Dispatch | undefined;
  /** The queue binding of a method; undefined: the lanes. */
  queue: string | undefined;
}

interface SetupConfig {
  snapshots: boolean;
}

export interface SetupCheck {
  /** Before each call; looks once in each environment. Throws what keeps every call from succeeding. */
  beforeCall(this: void, env: Env, config: SetupConfig): Promise<void>;
  /** The same and the objects' storage, for `/healthz`. Resolves to faults that no call fails of. */
  health(this: void, env: Env, config: SetupConfig): Promise<string[]>;
}

/** Checks the environments of a deployment with these methods. `checkMore`: throws what else is missing. */
export function setupCheck(methods: readonly SetupMethod[], checkMore?: (this: void, env: Env) => void): SetupCheck {
  const warningsOf = new WeakMap<Env, string[]>();
  const stored = new WeakSet<Env>();
  const look = async (env: Env, config: SetupConfig): Promise<string[]> => {
    const known = warningsOf.get(env);
    if (known) return known;
    requireBindings(methods, env, config);
    checkMore?.(env);
    const warnings = await requireHandlers(methods);
    for (const warning of warnings) console.warn({ message: "the set-up lacks something", warning });
    warningsOf.set(env, warnings);
    return warnings;
  };
  return {
    beforeCall: async (env, config) => {
      if (!warningsOf.has(env)) await look(env, config);
    },
    health: async (env, config) => {
      const warnings = await look(env, config);
      if (!stored.has(env) && (await hasStorage(env))) stored.add(env);
      return warnings;
    },
  };
}

/** @throws RpcError INTERNAL that names the first missing binding, and the lines to add. */
function requireBindings(methods: readonly SetupMethod[], env: Env, { snapshots }: SetupConfig): void {
  for (const [binding, className] of Object.entries(OBJECT_CLASSES)) {
    if (isNamespace(env[binding as keyof typeof OBJECT_CLASSES])) continue;
    throw unreachableClass(binding, className);
  }
  // Operations of an earlier deployment may still wait for the lanes.
  if (!queueFromEnv(env, "QUEUE")) {
    throw missing(
      "QUEUE",
      '[[queues.producers]] with binding = "QUEUE" and queue = "edge-operations", and a [[queues.consumers]] of the same queue',
    );
  }
  for (const { id, queue } of methods) {
    if (queue === undefined || queueFromEnv(env, queue)) continue;
    throw missing(
      queue,
      `[[queues.producers]] with binding = "${queue}" and a [[queues.consumers]] of the same queue: the method ${id} names it`,
    );
  }
  if (snapshots && typeof (env.SNAPSHOTS as Partial<KVNamespace> | undefined)?.get !== "function") {
    throw missing("SNAPSHOTS", '[[kv_namespaces]] with binding = "SNAPSHOTS", or the variable KV_SNAPSHOTS = "off"');
  }
}

function unreachableClass(binding: string, className: string): RpcError {
  const { exports: own } = platform as { exports?: object };
  const date = own ? "" : ' compatibility_date = "2025-11-17" or later, and';
  return wrong(
    binding,
    `the binding ${binding} is missing, and the Worker exports no ${className} with storage. Add to its main module: ` +
      `export * from "edge-operations/objects"; and to wrangler.toml:${date} ${className} to new_sqlite_classes of [[migrations]].`,
  );
}

export function missing(binding: string, lines: string): RpcError {
  return wrong(binding, `the binding ${binding} is missing. Add to wrangler.toml: ${lines}.`);
}

function wrong(binding: string, what: string): RpcError {
  const message = `The deployment's configuration is wrong: ${what}`;
  return new RpcError("INTERNAL", message, { reason: "BINDING_MISSING", metadata: { binding } });
}

const EXPORT_ALL =
  "Write `export default operations({ … })`, or `export default { ...service, fetch }` where service is what " +
  "operations() returned and fetch is your own handler";

/** A Worker that exports `fetch` alone accepts operations that nothing runs. */
async function requireHandlers(methods: readonly SetupMethod[]): Promise<string[]> {
  if (methods.length > 0 && (await lacksHandler("queue"))) {
    throw new RpcError(
      "INTERNAL",
      `The Worker's default export has no queue handler, so nothing would run the operations that it starts. ${EXPORT_ALL}.`,
      { reason: "HANDLER_MISSING", metadata: { handler: "queue" } },
    );
  }
  const direct = methods.find(({ dispatch }) => dispatch === "direct");
  const warnings = direct && !exportedRunner() ? [noRunner(direct.id)] : [];
  if (!(await lacksHandler("scheduled"))) return warnings;
  return [
    ...warnings,
    `The Worker's default export has no scheduled handler, so the sweep that repairs lost alarms does not run. ${EXPORT_ALL}, ` +
      'and set crons = ["*/5 * * * *"] under [triggers] in wrangler.toml.',
  ];
}

function noRunner(id: string): string {
  return (
    `The method ${id} has dispatch: "direct", and the Worker does not export ${RUNNER_EXPORT}, so its work goes through the ` +
    `queue. Write \`export * from "edge-operations/objects"\` in the main module, and set compatibility_date to ` +
    "2025-11-17 or later."
  );
}

/**
 * Whether the main module's default export certainly lacks a handler. `exports.default` is the Worker itself; awaiting a
 * method of it without a call yields a stub, or an error where the method is missing.
 * https://developers.cloudflare.com/workers/runtime-apis/context/#exports
 */
async function lacksHandler(handler: "queue" | "scheduled"): Promise<boolean> {
  const { exports: own } = platform as { exports?: { default?: object } };
  try {
    const stub: unknown = await (own?.default && Reflect.get(own.default, handler));
    (stub as Partial<Disposable> | undefined)?.[Symbol.dispose]?.();
    return false;
  } catch (error) {
    // An error that says anything else proves nothing.
    return lacksMethod(error, handler);
  }
}

/** False where it cannot be told now. Throws SQLITE_MISSING where the objects have no SQLite storage. */
async function hasStorage(env: Env): Promise<boolean> {
  try {
    await callObject(objectByName(env.DIRECTORY, DIRECTORY_NAME), (directory) => directory.check());
    return true;
  } catch (error) {
    const fault = sqliteMissing(error);
    if (fault) throw fault;
    // Such as an object that a deploy restarts. A call says for itself what it cannot reach.
    return false;
  }
}
