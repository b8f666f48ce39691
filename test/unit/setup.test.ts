// A Worker whose set-up lacks something: the first call and /healthz say what is missing, and what to add.
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Env } from "../../src/env";

/** The Worker's own exports, as the runtime has them: each handler of the default export can be awaited. */
const own = vi.hoisted(() => ({ default: {} as object | undefined, OperationRunner: {} as object | undefined }));
vi.mock("cloudflare:workers", () => ({ DurableObject: Object, exports: own }));
const { setupCheck } = await import("../../src/setup");

const directory = { check: vi.fn<() => Promise<void>>() };
const namespace = { idFromString: () => {}, getByName: () => directory };
const queue = { send: async () => {} };

/** Everything that wrangler.toml binds, but for what is taken away. */
function anEnv(overrides: object = {}): Env {
  const namespaces = ["OPERATIONS", "INDEX", "POLICIES", "KEYS", "SLOTS", "DIRECTORY"];
  const bound = Object.fromEntries(namespaces.map((name) => [name, namespace]));
  return { ...bound, QUEUE: queue, SNAPSHOTS: { get: async () => null }, ...overrides } as unknown as Env;
}

const methodsOf = (queues: (string | undefined)[], dispatch?: "direct") =>
  queues.map((name) => ({ id: "videos:transcode", dispatch, queue: name }));

const check = (env: Env, { queues = [] as (string | undefined)[], snapshots = true } = {}): Promise<void> =>
  setupCheck(methodsOf(queues)).beforeCall(env, { snapshots });

/** The default export of a Worker, as a loopback binding: the runtime's error for what it lacks. */
function exportsOf(...handlers: string[]): object {
  return new Proxy({}, { get: (_, name) => (handlers.includes(String(name)) ? Promise.resolve({}) : lacking(name)) });
}

const lacking = (name: string | symbol): PromiseLike<never> =>
  Promise.reject(new TypeError(`The RPC receiver does not implement the method "${String(name)}".`));

beforeEach(() => {
  own.default = exportsOf("fetch", "queue", "scheduled");
  own.OperationRunner = {};
  directory.check.mockReset().mockResolvedValue();
});

describe("the set-up check", () => {
  test("accepts the bindings of wrangler.toml", async () => {
    await expect(check(anEnv(), { queues: [undefined] })).resolves.toBeUndefined();
  });

  test.each<[binding: string, remedy: string]>([
    ["OPERATIONS", 'Add to its main module: export * from "edge-operations/objects"'],
    ["INDEX", "the Worker exports no OperationIndex with storage"],
    ["POLICIES", "to wrangler.toml: PolicyObject to new_sqlite_classes of [[migrations]]"],
    ["KEYS", "KeyObject to new_sqlite_classes"],
    ["SLOTS", "SlotsObject to new_sqlite_classes"],
    ["DIRECTORY", "DirectoryObject to new_sqlite_classes"],
    ["QUEUE", '[[queues.producers]] with binding = "QUEUE" and queue = "edge-operations", and a [[queues.consumers]]'],
    ["SNAPSHOTS", '[[kv_namespaces]] with binding = "SNAPSHOTS", or the variable KV_SNAPSHOTS = "off"'],
  ])("names the line to add for a missing %s", async (binding, remedy) => {
    await expect(check(anEnv({ [binding]: undefined }))).rejects.toThrow(
      expect.objectContaining({
        code: "INTERNAL",
        reason: "BINDING_MISSING",
        metadata: { binding },
        message: expect.stringContaining(remedy) as string,
      }),
    );
    await expect(check(anEnv({ [binding]: undefined }))).rejects.toThrow(`the binding ${binding} is missing`);
  });

  test("names the line to add for another kind of binding under the name", async () => {
    await expect(check(anEnv({ SLOTS: queue }))).rejects.toThrow("the binding SLOTS is missing");
  });

  test("names the method whose queue is not bound", async () => {
    await expect(check(anEnv(), { queues: ["TRANSCODE"] })).rejects.toThrow(
      'binding = "TRANSCODE" and a [[queues.consumers]] of the same queue: the method videos:transcode names it',
    );
    await expect(check(anEnv({ TRANSCODE: queue }), { queues: ["TRANSCODE"] })).resolves.toBeUndefined();
  });

  test("needs no KV if snapshots are off", async () => {
    await expect(check(anEnv({ SNAPSHOTS: undefined }), { snapshots: false })).resolves.toBeUndefined();
  });

  test("runs again for another environment", async () => {
    const once = setupCheck([]);
    await once.beforeCall(anEnv(), { snapshots: true });

    await expect(once.beforeCall(anEnv({ KEYS: undefined }), { snapshots: true })).rejects.toThrow("KEYS");
  });
});

describe("a Worker that exports", () => {
  const health = (): Promise<string[]> => setupCheck(methodsOf([undefined])).health(anEnv(), { snapshots: true });

  test("fetch alone fails every call and names the exports to add", async () => {
    own.default = exportsOf("fetch");

    await expect(check(anEnv(), { queues: [undefined] })).rejects.toThrow(
      expect.objectContaining({
        code: "INTERNAL",
        reason: "HANDLER_MISSING",
        metadata: { handler: "queue" },
        message: expect.stringContaining("export default { ...service, fetch }") as string,
      }),
    );
    await expect(health()).rejects.toThrow("no queue handler, so nothing would run the operations");
  });

  test("fetch alone serves work done elsewhere, which no queue carries", async () => {
    own.default = exportsOf("fetch");

    await expect(check(anEnv())).resolves.toBeUndefined();
  });

  test("no scheduled handler gets a warning in /healthz, and serves", async () => {
    own.default = exportsOf("fetch", "queue");

    expect(await health()).toEqual([expect.stringContaining("no scheduled handler, so the sweep")]);
  });

  test("no runner gets a warning if a method is direct, and serves through the queue", async () => {
    const direct = () => setupCheck(methodsOf([undefined], "direct")).health(anEnv(), { snapshots: true });
    expect(await direct()).toEqual([]);
    own.OperationRunner = undefined;

    expect(await health()).toEqual([]);
    expect(await direct()).toEqual([
      expect.stringContaining('The method videos:transcode has dispatch: "direct", and the Worker does not export'),
    ]);
  });

  test.each<[what: string, exported: object | undefined]>([
    ["nothing that the runtime tells of", undefined],
    [
      "a queue handler that cannot be asked now",
      {
        get queue() {
          return Promise.reject(new Error("Network connection lost."));
        },
      },
    ],
    ["plain methods", { queue: () => {}, scheduled: () => {} }],
  ])("%s is accepted as complete", async (_, exported) => {
    own.default = exported;

    expect(await health()).toEqual([]);
  });
});

describe("/healthz", () => {
  const noSqlite = new Error("SQL is not enabled. To enable it, change `new_classes` to `new_sqlite_classes` within …");

  test("fails if the objects have no SQLite storage, and names the lines to add", async () => {
    directory.check.mockRejectedValue(noSqlite);

    await expect(setupCheck([]).health(anEnv(), { snapshots: true })).rejects.toThrow(
      "Add to wrangler.toml: [[migrations]] with new_sqlite_classes",
    );
  });

  test("calls an object once, and again only until one has answered", async () => {
    directory.check.mockRejectedValueOnce(new Error("a deploy restarts the object"));
    const { health } = setupCheck([]);
    const env = anEnv();
    for (const _ of [1, 2, 3]) expect(await health(env, { snapshots: true })).toEqual([]);

    expect(directory.check).toHaveBeenCalledTimes(2);
  });
});
