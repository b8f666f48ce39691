// Checks that the Worker has the bindings without which no call can succeed, and says what wrangler.toml must add.
import { isQueueBound } from "./durable/operation/queues";
import type { Env } from "./env";
import { RpcError } from "./rpc/error";

/** The Durable Object bindings, each with the class that it must name. */
const CLASSES = {
  OPERATIONS: "OperationObject",
  INDEX: "OperationIndex",
  POLICIES: "PolicyObject",
  KEYS: "KeyObject",
  SLOTS: "SlotsObject",
  DIRECTORY: "DirectoryObject",
} as const satisfies Partial<Record<keyof Env, string>>;

interface NamedQueue {
  id: string;
  /** The queue binding of a method; undefined: the lanes. */
  queue: string | undefined;
}

/** Checks the environments of a deployment with these methods, each once. */
export function setupCheck(methods: readonly NamedQueue[]): (env: Env, config: { snapshots: boolean }) => void {
  const checked = new WeakSet<Env>();
  return (env, config) => {
    if (checked.has(env)) return;
    requireBindings(methods, env, config);
    checked.add(env);
  };
}

/** @throws RpcError INTERNAL that names the first missing binding, and the lines to add. */
function requireBindings(methods: readonly NamedQueue[], env: Env, { snapshots }: { snapshots: boolean }): void {
  for (const [binding, className] of Object.entries(CLASSES)) {
    if (isNamespace(env[binding as keyof typeof CLASSES])) continue;
    throw missing(
      binding,
      `[[durable_objects.bindings]] with name = "${binding}" and class_name = "${className}", and ${className} to ` +
        "new_sqlite_classes of [[migrations]]; the Worker must export the class",
    );
  }
  // Operations of an earlier deployment may still wait for the lanes.
  if (!isQueueBound(env, "QUEUE")) {
    throw missing(
      "QUEUE",
      '[[queues.producers]] with binding = "QUEUE" and queue = "edge-operations", and a [[queues.consumers]] of the same queue',
    );
  }
  for (const { id, queue } of methods) {
    if (queue === undefined || isQueueBound(env, queue)) continue;
    throw missing(
      queue,
      `[[queues.producers]] with binding = "${queue}" and a [[queues.consumers]] of the same queue: the method ${id} names it`,
    );
  }
  if (snapshots && typeof (env.SNAPSHOTS as Partial<KVNamespace> | undefined)?.get !== "function") {
    throw missing("SNAPSHOTS", '[[kv_namespaces]] with binding = "SNAPSHOTS", or the variable KV_SNAPSHOTS = "off"');
  }
}

function isNamespace(binding: unknown): boolean {
  return typeof (binding as Partial<DurableObjectNamespace> | undefined)?.getByName === "function";
}

function missing(binding: string, lines: string): RpcError {
  const message = `The deployment's configuration is wrong: the binding ${binding} is missing. Add to wrangler.toml: ${lines}.`;
  return new RpcError("INTERNAL", message, { reason: "BINDING_MISSING", metadata: { binding } });
}
