// The command line against the real server: what it prints, and the exit codes that scripts rely on (docs/command-line.md).
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { call, json, postOperation } from "./client";
import { commandLine } from "./command-line";
import { DevServer } from "./dev-server";
import { taskByTerminal } from "./operator-by-terminal";
import { operatorTask } from "./operator-task";
import { Terminal, hasTmux } from "./terminal";

const MAIN = resolve(import.meta.dirname, "../../dist/cli/main.js");

let server: DevServer;
let folder: string;
let environment: Record<string, string>;

const run = (...args: string[]) => commandLine(environment)(...args);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "edge-operations-cli-"));
  server = await DevServer.start({ main: "test/e2e/locked-tables-worker.ts" });
  environment = {
    EDGE_OPERATIONS_URL: server.url,
    EDGE_OPERATIONS_PARENT: "projects/cli",
    EDGE_OPERATIONS_CONFIG: join(folder, "profiles.json"),
  };
});

afterAll(async () => {
  await server.dispose();
  await rm(folder, { recursive: true, force: true });
});

/** Ids and times differ from run to run. */
function alike(text: string): string {
  return text
    .replaceAll(/[0-9a-f]{64}/g, "ID")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .trimEnd();
}

async function started(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run("start", ...args);
  expect([code, stderr]).toEqual([0, ""]);
  return stdout.trim();
}

const FAILING = JSON.stringify({ ttl: "0s", error: { code: 9, message: "The table is locked." } });

describe("start", () => {
  it("prints the operation's name, and --wait its end", async () => {
    expect(alike(await started("echo:wait", "--data", '{"ttl":"3600s"}'))).toBe("operations/ID");

    const { code, stdout } = await run("start", "{parent}/tables:load", "--data", '{"table":"a"}', "--wait");
    expect(code).toBe(0);
    expect(alike(stdout)).toBe(
      [
        "name      projects/cli/operations/ID",
        "state     SUCCEEDED",
        "detail    Done.",
        "verb      load",
        "target    projects/cli/tables",
        "created   TIME",
        "started   TIME",
        "ended     TIME",
        "response",
        '{\n  "table": "a"\n}',
      ].join("\n"),
    );
  });

  it("sends a raw body, labels, a requestId", async () => {
    const table = join(folder, "table.csv");
    await writeFile(table, "a,b\n1,2\n");
    const upload = ["projects/cli/locations/l/tables:profile", "--input", table, "--content-type", "text/csv"];
    const name = await started(...upload, "--label", "env=prod", "--request-id", "once");
    const again = await started(...upload, "--label", "env=prod", "--request-id", "once");

    expect(again).toBe(name);
    const { stdout } = await run("list", "projects/cli/locations/l", "--filter", "labels.env = prod", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ name, metadata: { value: { labels: { env: "prod" } } } });
  });

  it("only checks with --validate-only", async () => {
    const { code, stdout } = await run("start", "echo:wait", "--data", '{"ttl":"1s"}', "--validate-only");

    expect([code, stdout]).toEqual([0, "The request is right. Nothing was started.\n"]);
  });
});

describe("the exit code", () => {
  it.each([
    [0, ["openapi"]],
    [2, ["frobnicate"]],
    [2, ["get"]],
    [2, ["list", "--limit", "none"]],
    [2, ["list", "--profile", "nowhere"]],
    [2, ["start", "echo:wait", "--data", "{"]],
    [2, ["get", "projects/p"]],
    [6, ["get", "nope"]],
    [6, ["list", "--filter", "dome = true"]],
  ])("is %i for %j", async (code, args) => {
    expect((await run(...args)).code).toBe(code);
  });

  it("says how an operation ended", async () => {
    const failed = await run("start", "echo:wait", "--data", FAILING, "--wait");
    const name = await started("echo:wait", "--data", '{"ttl":"3600s"}');
    const late = await run("wait", name, "--timeout", "300ms", "--url", server.url);
    await run("cancel", name);
    const cancelled = await run("wait", name);

    expect([failed.code, late.code, cancelled.code]).toEqual([3, 5, 4]);
    expect(failed.stdout).toContain("FAILED_PRECONDITION");
    expect(late.stderr).toContain(`Go on waiting:\n  edge-operations wait ${name} --url ${server.url}\n`);
  });

  it("is 8 where nothing answers", async () => {
    const { code, stderr } = await commandLine({ ...environment, EDGE_OPERATIONS_URL: "http://127.0.0.1:9" })(
      "openapi",
    );

    expect(code).toBe(8);
    expect(stderr).toContain("could not be reached");
  });
});

describe("wait", () => {
  it("says how to go on when it is interrupted, and the operation goes on", async () => {
    const name = await started("echo:wait", "--data", '{"ttl":"3600s"}');
    const child = spawn(process.execPath, [MAIN, "wait", name], { env: { PATH: process.env["PATH"], ...environment } });
    let stderr = "";
    child.stderr.on("data", (data: Buffer) => {
      // It waits.
      if (stderr === "") child.kill("SIGINT");
      stderr += data.toString();
    });
    const [code] = (await once(child, "close")) as [number];

    expect(code).toBe(130);
    expect(stderr).toBe(`RUNNING\n${name} goes on. Go on waiting:\n  edge-operations wait ${name}\n`);
    expect((await run("get", name)).stdout).toContain("RUNNING");
  });

  it("polls a service that has no :wait", async () => {
    let polls = 0;
    const other = createServer((request, response) => {
      const isGet = request.method === "GET";
      polls += isGet ? 1 : 0;
      const operation = {
        name: "operations/1",
        done: polls > 2,
        ...(polls > 2 ? { response: { "@type": "x/y" } } : {}),
      };
      response.writeHead(isGet ? 200 : 404, { "content-type": "application/json" });
      response.end(JSON.stringify(isGet ? operation : { error: { code: 404, status: "NOT_FOUND", message: "No." } }));
    }).listen(0, "127.0.0.1");
    await once(other, "listening");
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const { code, stdout } = await commandLine({ ...environment, EDGE_OPERATIONS_URL: url })(
      "wait",
      "operations/1",
      "--json",
    );
    other.close();

    expect([code, polls]).toEqual([0, 3]);
    expect(JSON.parse(stdout)).toMatchObject({ name: "operations/1", done: true });
  });
});

describe("watch", () => {
  it("prints each state as a line of JSON", async () => {
    const name = await started("echo:wait", "--data", '{"ttl":"1s","success":{"content":"hi"}}');
    const { code, stdout } = await run("watch", name, "--json");
    const states = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { done: boolean });

    expect(code).toBe(0);
    expect(states.map(({ done }) => done)).toEqual([false, true]);
  });
});

const declareBar = hasTmux() ? theBar : noBarTried;
describe("the progress bar in a terminal", () => {
  declareBar();
});

function noBarTried(): void {
  it("is not tried, because there is no tmux: apt-get install tmux", () => {
    expect(process.env["REQUIRE_TMUX"]).toBeUndefined();
  });
}

function theBar(): void {
  it("moves, ends at Ctrl-C with the command that goes on, and is full at the end", async () => {
    const { name } = await postOperation(`${server.url}/v1/projects/cli/operations`, { operation: {} });
    const update = (operation: object) =>
      call(`${server.url}/v1/${name}?updateMask=${Object.keys(operation).join()}`, {
        ...json(operation),
        method: "PATCH",
      });
    const progress = (progressPercent: number) =>
      update({ metadata: { "@type": "type.googleapis.com/google.protobuf.Struct", value: { progressPercent } } });
    const bar = (filled: number) => `[${"#".repeat(filled)}${".".repeat(24 - filled)}]`;
    const terminal = await Terminal.start(environment, `edge-operations() { ${process.execPath} ${MAIN} "$@"; }`);
    try {
      await progress(25);
      await terminal.type(`edge-operations wait ${name}`);
      await terminal.shows((screen) => screen.includes(`${bar(6)} RUNNING 25%`));
      await progress(75);
      const moved = await terminal.shows((screen) => screen.includes(`${bar(18)} RUNNING 75%`));
      await terminal.press("C-c");
      const interrupted = await terminal.shows((screen) => screen.endsWith("\n$"));
      const isCursorVisible = await terminal.isCursorVisible();
      const again = /Go on waiting:\n {2}(.*)/.exec(interrupted)?.[1] ?? "";
      await terminal.type(again.replace("wait", "watch"));
      await terminal.shows((screen) => screen.split(`${bar(18)} RUNNING 75%`).length === 3);
      await update({ response: { "@type": "type.googleapis.com/google.protobuf.Struct", value: { rows: 2 } } });
      const ended = await terminal.shows((screen) => screen.endsWith("\n$"));

      expect(moved.match(/\[[#.]{24}\]/g)).toEqual([bar(18)]);
      expect(interrupted).toMatch(
        new RegExp(`75%  \\d+s\\^C\n${name} goes on\\. Go on waiting:\n  edge-operations wait ${name}\n\\$$`),
      );
      expect(isCursorVisible).toBe(true);
      expect(ended).toContain(`${bar(24)} SUCCEEDED`);
      expect(ended).toContain('"rows": 2');
    } finally {
      await terminal.end();
    }
  });
}

describe("list", () => {
  it("prints a table for people and a line of JSON for each operation", async () => {
    const parent = ["--parent", "projects/listed"];
    await run("start", "{parent}/tables:load", "--data", '{"table":"a"}', "--wait", ...parent);
    const table = await run("list", "projects/listed");
    const lines = await run("list", "projects/listed", "--json");

    expect(alike(table.stdout)).toBe(
      [
        "CREATED               STATE      VERB  NAME" + " ".repeat(89) + "DETAIL",
        "TIME  SUCCEEDED  load  projects/listed/operations/ID  Done.",
      ].join("\n"),
    );
    expect(
      lines.stdout
        .trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as { done: boolean }).done),
    ).toEqual([true]);
    expect((await run("list", "projects/empty")).stdout).toBe("No operations.\n");
  });
});

describe("the commands of operators", () => {
  it("find what failed, say why, and retry exactly that", async () => {
    const size = { url: server.url, parent: "projects/shop", operations: 20, failed: 2 };
    const { effort } = await operatorTask(size, taskByTerminal);

    expect(effort["commands"]).toBeLessThan(10);
  });

  it("count and delete what matches", async () => {
    const parent = ["--parent", "projects/purged"];
    await run("start", "{parent}/tables:load", "--data", '{"table":"a"}', "--wait", ...parent);
    const counted = await run("purge", "*", ...parent);
    const deleted = await run("purge", "*", "--force", ...parent);

    expect(alike(counted.stdout)).toBe(
      "projects/purged/operations/ID\n1 operation matches. Nothing was changed: --force does it.",
    );
    expect(alike(deleted.stdout)).toBe("projects/purged/operations/ID\n1 operation was deleted.");
    expect((await run("list", "--filter", "verb = load", ...parent)).stdout).toBe("No operations.\n");
  });

  it("answer a suspension", async () => {
    const name = await started("{parent}/tables:approve", "--data", "{}");
    await expect
      .poll(async () => (await run("suspensions", name)).stdout, { timeout: 20_000 })
      .toContain("May it go on?");
    const { stdout } = await run("resolve", name, "approval", "true");
    const waited = await run("wait", name, "--json");

    expect(stdout).toBe(`${name}/suspensions/approval is answered\n`);
    expect(JSON.parse(waited.stdout)).toMatchObject({ response: { value: { approved: true } } });
  });

  it("create, list and delete webhooks", async () => {
    const created = await run("webhooks", "create", "https://example.com/hook", "--events", "operation.failed");
    const { name, signingSecret } = JSON.parse(created.stdout) as { name: string; signingSecret: string };
    const listed = await run("webhooks", "list");
    await run("webhooks", "delete", name);

    expect(signingSecret).toMatch(/^whsec_/);
    expect(listed.stdout).toMatch(
      new RegExp(`^${name}  ENABLED  operation\\.failed  https://example\\.com/hook$`, "m"),
    );
    expect((await run("webhooks", "list")).stdout).toBe("Nothing to list.\n");
  });

  it("name scopes, show a policy, and explain", async () => {
    expect((await run("scopes")).stdout).toMatch(/^SCOPE .*\nprojects\/|^SCOPE/);
    expect(JSON.parse((await run("policy", "projects/cli")).stdout)).toHaveProperty("etag");
    const name = await started("echo:wait", "--data", '{"ttl":"3600s"}');
    expect((await run("explain", name)).stdout).toContain("Next:");
  });
});

describe("credentials", () => {
  it("come from a profile that no one else can read, and are in no output", async () => {
    const secret = "eo_key_0123";
    const address = ["--url", "https://operations.example.com", "--parent", "projects/p"];
    const set = await commandLine(environment, `${secret}\n`)("profiles", "set", "prod", ...address, "--key-stdin");
    const file = environment["EDGE_OPERATIONS_CONFIG"] ?? "";
    const listed = await run("profiles");

    expect(set.code).toBe(0);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(listed.stdout).toContain("prod (default)  https://operations.example.com  projects/p  key");
    expect(set.stdout + listed.stdout).not.toContain(secret);
    await promisify(execFile)("chmod", ["644", file]);
    const refused = await run("openapi");
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining(`chmod 600 ${file}`)]);
    await rm(file);
  });

  it("of a profile are not sent to another address", async () => {
    const headers: unknown[] = [];
    const other = createServer((request, response) => {
      headers.push(request.headers["x-goog-api-key"]);
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    }).listen(0, "127.0.0.1");
    await once(other, "listening");
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
    const profiles = join(folder, "two.json");
    await writeFile(profiles, JSON.stringify({ default: "a", profiles: { a: { url, key: "k" } } }), { mode: 0o600 });
    const own = commandLine({ EDGE_OPERATIONS_CONFIG: profiles });
    await own("openapi");
    await own("openapi", "--url", url.replace("127.0.0.1", "localhost"));
    other.close();

    expect(headers).toEqual(["k", undefined]);
  });
});

describe("completion", () => {
  it.each(["bash", "zsh"])("for %s completes commands and options", async (shell) => {
    const { stdout } = await run("completion", shell);

    expect(stdout).toContain('retry-matching) words="--profile --url --parent --json --force --no-wait"');
  });

  it("for bash is a script that bash runs", async () => {
    const { stdout: script } = await run("completion", "bash");
    const program = `${script}\nCOMP_WORDS=(edge-operations ret); COMP_CWORD=1; _edge_operations; echo "\${COMPREPLY[@]}"`;
    const { stdout } = await promisify(execFile)("bash", ["-c", program]);

    expect(stdout).toBe("retry retry-matching\n");
  });
});
