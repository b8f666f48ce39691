// What `npm run proto` writes, before a published compiler of protobuf: it is accepted, with the annotations by which
// generators make clients; and google-gax's client made of it calls the service.
import { execFile } from "node:child_process";
import { globSync, readdirSync, readFileSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { echoOf } from "./clients/google-gax";
import { Front } from "./front";

interface MethodDescriptor {
  name: string;
  outputType: string;
  options: Record<string, unknown>;
}

interface FileDescriptor {
  name: string;
  service?: { name: string; method: MethodDescriptor[] }[];
  messageType?: { name: string }[];
}

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, "../..");
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "edge-operations-proto-"));
  await writeProto("service");
  // Google's own .proto files, as google-gax ships them: what those of the deployment import.
  await cp(join(import.meta.dirname, "node_modules/google-gax/build/protos/google"), join(folder, "google/google"), {
    recursive: true,
  });
  const modules = ["service", "google"].map((path) => `  - path: ${path}\n`).join("");
  await writeFile(join(folder, "buf.yaml"), `version: v2\nmodules:\n${modules}`);
}, 60_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs `npm run proto` for the Worker of wrangler.toml. */
async function writeProto(out: string): Promise<void> {
  await run(process.execPath, ["src/cli/proto.ts", "--out", join(folder, out)], { cwd: ROOT });
}

/** Buf's compiler comes as a program for each platform; where npm has none for this one, the PATH must. */
function compiler(): string {
  const [found = "buf"] = globSync(join(import.meta.dirname, "node_modules/@bufbuild/buf-*/bin/buf"));
  return found;
}

/** Compiles what was written; throws what the compiler says against it. */
async function compile(): Promise<FileDescriptor[]> {
  const image = join(folder, "image.json");
  const own = readdirSync(join(folder, "service")).flatMap((name) => ["--path", join("service", name)]);
  try {
    await run(compiler(), ["build", ...own, "--exclude-imports", "-o", image], { cwd: folder });
  } catch (error) {
    throw new Error(`the compiler refuses it: ${(error as { stderr?: string }).stderr ?? String(error)}`, {
      cause: error,
    });
  }
  return (JSON.parse(await readFile(image, "utf8")) as { file: FileDescriptor[] }).file;
}

describe("the .proto files of the deployment", () => {
  test("are accepted by a compiler, each method with its binding and the types of its operation", async () => {
    const files = await compile();
    const methods = files.flatMap(({ service = [] }) => service.flatMap(({ method }) => method));

    expect(Object.fromEntries(methods.map(({ name, outputType, options }) => [name, { outputType, options }]))).toEqual(
      {
        Wait: {
          outputType: ".google.longrunning.Operation",
          options: {
            "[google.api.http]": { post: "/v1beta1/echo:wait", body: "*" },
            "[google.longrunning.operation_info]": { responseType: "WaitResponse", metadataType: "WaitMetadata" },
          },
        },
        Profile: {
          outputType: ".google.longrunning.Operation",
          options: {
            "[google.api.http]": { post: "/v1/{parent=projects/*/locations/*}/tables:profile" },
            "[google.longrunning.operation_info]": {
              responseType: "google.protobuf.Struct",
              metadataType: "google.protobuf.Struct",
            },
          },
        },
      },
    );
  });

  test("are refused by it where they are broken", async () => {
    const path = join(folder, "service/google/showcase/v1beta1/showcase.proto");
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace("google.longrunning.Operation", "google.longrunning.Operations1"));

    const refusal = await compile().then(
      () => "",
      (error: Error) => error.message,
    );
    await writeFile(path, text);

    expect(refusal).toContain("cannot find `google.longrunning.Operations1`");
  });

  test("make a client of google-gax that starts an operation and polls it to its end", async () => {
    const path = join(folder, "service/google/showcase/v1beta1/showcase.proto");
    const front = await Front.start(inject("url"));

    const operation = await echoOf(front, readFileSync(path, "utf8")).wait({
      ttl: { seconds: 0, nanos: 300_000_000 },
      success: { content: "hello" },
    });
    const [response, metadata] = await operation.promise();
    await front.close();

    expect(response).toMatchObject({ content: "hello" });
    expect(metadata).toMatchObject({ endTime: { nanos: expect.any(Number) as number } });
  });
});
