// A Worker whose bindings are not all there: the first call and /healthz say which is missing, and what to add.
import { describe, expect, test } from "vitest";
import type { Env } from "../../src/env";
import { setupCheck } from "../../src/setup";

const namespace = { idFromString: () => {}, getByName: () => {} };
const queue = { send: async () => {} };

/** Everything that wrangler.toml binds, but for what is taken away. */
function anEnv(overrides: object = {}): Env {
  const namespaces = ["OPERATIONS", "INDEX", "POLICIES", "KEYS", "SLOTS", "DIRECTORY"];
  const bound = Object.fromEntries(namespaces.map((name) => [name, namespace]));
  return { ...bound, QUEUE: queue, SNAPSHOTS: { get: async () => null }, ...overrides } as unknown as Env;
}

const check = (env: Env, { queues = [] as string[], snapshots = true } = {}): void =>
  setupCheck(queues.map((name) => ({ id: "videos:transcode", queue: name })))(env, { snapshots });

describe("a set-up", () => {
  test("of wrangler.toml's bindings is right", () => {
    expect(() => check(anEnv())).not.toThrow();
  });

  test.each<[binding: string, remedy: string]>([
    ["OPERATIONS", '[[durable_objects.bindings]] with name = "OPERATIONS" and class_name = "OperationObject", and'],
    ["INDEX", 'class_name = "OperationIndex", and OperationIndex to new_sqlite_classes of [[migrations]]'],
    ["POLICIES", 'class_name = "PolicyObject"'],
    ["KEYS", 'class_name = "KeyObject"'],
    ["SLOTS", 'class_name = "SlotsObject"'],
    ["DIRECTORY", 'class_name = "DirectoryObject"'],
    ["QUEUE", '[[queues.producers]] with binding = "QUEUE" and queue = "edge-operations", and a [[queues.consumers]]'],
    ["SNAPSHOTS", '[[kv_namespaces]] with binding = "SNAPSHOTS", or the variable KV_SNAPSHOTS = "off"'],
  ])("without %s says what to add", (binding, remedy) => {
    expect(() => check(anEnv({ [binding]: undefined }))).toThrow(
      expect.objectContaining({
        code: "INTERNAL",
        reason: "BINDING_MISSING",
        metadata: { binding },
        message: expect.stringContaining(remedy) as string,
      }),
    );
    expect(() => check(anEnv({ [binding]: undefined }))).toThrow(`the binding ${binding} is missing`);
  });

  test("with another kind of binding under a name says the same", () => {
    expect(() => check(anEnv({ SLOTS: queue }))).toThrow("the binding SLOTS is missing");
  });

  test("without the queue that a method names says which method", () => {
    expect(() => check(anEnv(), { queues: ["TRANSCODE"] })).toThrow(
      'binding = "TRANSCODE" and a [[queues.consumers]] of the same queue: the method videos:transcode names it',
    );
    expect(() => check(anEnv({ TRANSCODE: queue }), { queues: ["TRANSCODE"] })).not.toThrow();
  });

  test("needs no KV where snapshots are off", () => {
    expect(() => check(anEnv({ SNAPSHOTS: undefined }), { snapshots: false })).not.toThrow();
  });

  test("is checked again for another environment", () => {
    const once = setupCheck([]);
    once(anEnv(), { snapshots: true });

    expect(() => once(anEnv({ KEYS: undefined }), { snapshots: true })).toThrow("KEYS");
  });
});
