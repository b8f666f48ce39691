// `wrangler deploy` with the committed wrangler.toml, on an account that has nothing: what is created and uploaded. The
// commands are those of README.md. The account is cloudflare-api.ts on loopback.
import { execFile } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CloudflareApi, type Script } from "./cloudflare-api";

const ROOT = resolve(import.meta.dirname, "../..");
const LANES = ["edge-operations", "edge-operations-2", "edge-operations-3", "edge-operations-4"];
const WEBHOOK_QUEUES = ["edge-operations-webhooks", "edge-operations-webhooks-dead-letters"];
const QUEUES = [...LANES, "edge-operations-dead-letters", ...WEBHOOK_QUEUES];

const readme = readFileSync(join(ROOT, "README.md"), "utf8");

/** Commands of README.md that follow a line of the text. */
function commandsBehind(heading: string): string {
  return /```sh\n(.*?)```/s.exec(readme.slice(readme.indexOf(heading)))?.[1] ?? "";
}

let api: CloudflareApi;
/** A checkout of its own: a deploy may write beside wrangler.toml. */
let checkout: string;

async function run(script: string): Promise<string> {
  // `npm run deploy` and `npx wrangler`, as README.md has them, start what npm has installed.
  const { PATH = "", HOME = "" } = process.env;
  const { stdout, stderr } = await promisify(execFile)("bash", ["--norc", "-ec", script], {
    cwd: checkout,
    timeout: 100_000,
    env: {
      ...api.env,
      PATH: `${join(ROOT, "node_modules/.bin")}:${PATH}`,
      HOME,
      CI: "1",
      NO_COLOR: "1",
      WRANGLER_SEND_METRICS: "false",
      // Else the npm registry is asked for a newer wrangler.
      WRANGLER_HIDE_BANNER: "true",
      WRANGLER_LOG_PATH: join(checkout, "logs"),
      npm_config_update_notifier: "false",
    },
  });
  return stdout + stderr;
}

function scriptOf(name: string): Script {
  const script = api.scripts.get(name);
  if (!script) throw new Error(`${name} was not uploaded: ${[...api.scripts.keys()].join()}`);
  return script;
}

beforeAll(async () => {
  api = await CloudflareApi.start();
  checkout = mkdtempSync(join(tmpdir(), "edge-operations-"));
  for (const entry of ["src", "node_modules", "package.json", "tsconfig.json"])
    symlinkSync(join(ROOT, entry), join(checkout, entry));
  copyFileSync(join(ROOT, "wrangler.toml"), join(checkout, "wrangler.toml"));
});

afterAll(() => {
  api.close();
  rmSync(checkout, { recursive: true, force: true });
});

describe("the first deploy", () => {
  let script: Script;

  beforeAll(async () => {
    await run(commandsBehind("## Deploying"));
    script = scriptOf("edge-operations");
  });

  test("creates every queue and the KV namespace, then uploads", () => {
    expect(api.changes.slice(0, QUEUES.length + 2)).toEqual([
      "POST namespace edge-operations-snapshots",
      ...QUEUES.map((queue) => `POST queue ${queue}`),
      "PUT script edge-operations",
    ]);
    expect(api.unknown).toEqual([]);
  });

  test("binds the objects, the queues and KV, and nothing else", () => {
    const namesOf = (type: string): unknown[] =>
      script.metadata.bindings.filter((binding) => binding.type === type).map(({ name }) => name);
    const queues = script.metadata.bindings.filter(({ type }) => type === "queue");

    expect(namesOf("durable_object_namespace")).toEqual(expect.arrayContaining(["OPERATIONS", "INDEX", "DIRECTORY"]));
    expect(queues.map(({ queue_name }) => queue_name)).toEqual(QUEUES);
    expect(namesOf("kv_namespace")).toEqual(["SNAPSHOTS"]);
    expect(new Set(script.metadata.bindings.map(({ type }) => type))).toEqual(
      new Set(["durable_object_namespace", "queue", "kv_namespace"]),
    );
  });

  test("migrates every class that is bound, with SQLite", () => {
    const bound = script.metadata.bindings.flatMap(({ class_name }) => (class_name === undefined ? [] : [class_name]));
    const steps = script.metadata.migrations?.steps ?? [];
    const created = new Set(steps.flatMap(({ new_sqlite_classes = [] }) => new_sqlite_classes as string[]));
    const deleted = new Set(steps.flatMap(({ deleted_classes = [] }) => deleted_classes as string[]));

    expect(new Set([...created].filter((name) => !deleted.has(name)))).toEqual(new Set(bound));
    expect(steps.some((step) => "new_classes" in step)).toBe(false);
  });

  test("needs no AUTH, no plan and no flag of local runs", () => {
    expect(JSON.stringify(script.metadata)).not.toMatch(/AUTH|RESEND_SECONDS|queue_consumer_no_wait/);
    expect(script.metadata.compatibility_flags).toEqual(["nodejs_compat"]);
    expect(script.metadata.limits).toBeUndefined();
  });

  test("logs without the platform's invocation records and query strings, and samples traces", () => {
    expect(script.metadata.observability).toEqual({
      enabled: true,
      redact_query_string: true,
      logs: { enabled: true, invocation_logs: false },
      traces: { enabled: true, head_sampling_rate: 0.01 },
    });
  });

  test("uploads the Worker with its source map", () => {
    expect(script.metadata.main_module).toBe("worker.js");
    expect(script.modules).toEqual(["worker.js", "worker.js.map"]);
  });

  test.each(LANES)("consumes %s one message at a time, with the dead-letter queue after it", (queue) => {
    expect(api.queues.get(queue)).toEqual({
      script: "edge-operations",
      dead_letter_queue: "edge-operations-dead-letters",
      settings: { batch_size: 1, max_retries: 10, max_wait_time_ms: 0, retry_delay: 2 },
    });
  });

  test("consumes the queue of webhooks, with dead letters of its own", () => {
    const [queue = "", deadLetters = ""] = WEBHOOK_QUEUES;

    expect(api.queues.get(queue)).toMatchObject({ script: "edge-operations", dead_letter_queue: deadLetters });
    expect(api.queues.get(deadLetters)?.script).toBe("edge-operations");
  });

  test("consumes the dead-letter queue, and schedules the sweep", () => {
    expect(api.queues.get("edge-operations-dead-letters")?.script).toBe("edge-operations");
    expect(script.crons).toEqual(["*/5 * * * *"]);
  });
});

describe("after the first deploy", () => {
  test("AUTH is a secret, which later deploys keep", async () => {
    const commands = commandsBehind("`AUTH` says whose credentials");
    expect(commands).toContain("wrangler secret put AUTH");
    await run(`echo '{}' > auth.json; ${commands}`);

    expect(Object.keys(scriptOf("edge-operations").secrets)).toEqual(["AUTH"]);
  });

  test("a second deploy creates nothing more", async () => {
    const before = { queues: [...api.queues.keys()], namespaces: structuredClone(api.namespaces) };
    await run(commandsBehind("## Deploying"));
    const script = scriptOf("edge-operations");

    expect(script.uploads).toBe(2);
    expect(script.metadata.keep_bindings).toContain("secret_text");
    expect(script.metadata.migrations).toBeUndefined();
    expect({ queues: [...api.queues.keys()], namespaces: api.namespaces }).toEqual(before);
  });

  test("a deployment beside the first shares no queue, namespace or dataset with it", async () => {
    const commands = commandsBehind("### A second deployment");
    expect(commands).toContain("wrangler.staging.toml");
    await run(commands);
    const staging = scriptOf("staging");
    const names = (script: Script): unknown[] =>
      script.metadata.bindings.map(({ queue_name, namespace_id }) => queue_name ?? namespace_id).filter(Boolean);
    const shared = names(staging).filter((name) => names(scriptOf("edge-operations")).includes(name));

    expect(shared).toEqual([]);
    expect(names(staging)).toContain("staging-dead-letters");
    expect(api.queues.get("staging")?.dead_letter_queue).toBe("staging-dead-letters");
    expect(readFileSync(join(checkout, "wrangler.staging.toml"), "utf8")).toContain('dataset = "staging"');
    expect(scriptOf("edge-operations").uploads).toBe(2);
  });
});
