// The output of `npm run proto` in a published compiler of protobuf: it is accepted, with the annotations by which
// generators make clients; and google-gax's client made of it calls the service.
import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { echoOf } from "./clients/google-gax";
import { ProtoFolder } from "./descriptors";
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

let folder: ProtoFolder;

beforeAll(async () => {
  folder = await ProtoFolder.create();
}, 60_000);

afterAll(() => folder.remove());

/** Compiles what was written; throws what the compiler says against it. */
async function compile(): Promise<FileDescriptor[]> {
  const own = folder.own.flatMap((path) => ["--path", path]);
  const image = await folder.compile("image.json", ...own, "--exclude-imports");
  return (JSON.parse(await readFile(image, "utf8")) as { file: FileDescriptor[] }).file;
}

/** A method of the service's own. */
function bulk(verb: string) {
  return {
    outputType: ".google.longrunning.Operation",
    options: {
      "[google.api.http]": { post: `/v1/{parent=**}/operations:${verb}`, body: "*" },
      "[google.longrunning.operation_info]": {
        responseType: "PurgeOperationsResponse",
        metadataType: "PurgeOperationsMetadata",
      },
    },
  };
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
        Purge: bulk("purge"),
        CancelMatching: bulk("cancelMatching"),
        RetryMatching: bulk("retryMatching"),
      },
    );
  });

  test("are rejected by a compiler if they are broken", async () => {
    const path = join(folder.path, "service/google/showcase/v1beta1/showcase.proto");
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
    const path = join(folder.path, "service/google/showcase/v1beta1/showcase.proto");
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
