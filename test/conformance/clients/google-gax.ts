// google-gax's own OperationsClient over REST, with the HTTP rules it was published with, and the Echo client that a
// generator would make of echo.proto, written out.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fallback } from "google-gax";
import type { Client, EchoClient, EchoOperation, EchoRequest } from "../client";
import type { Front } from "../front";
import { type WireOperation, aCaller, clientOptions, seenError, seenFromWire } from "./gax";

type Root = InstanceType<typeof fallback.protobuf.Root>;

const ECHO = readFileSync(join(import.meta.dirname, "echo.proto"), "utf8");

/** google.longrunning as google-gax ships it, and the types of the API whose operations these are. */
function echoRoot(proto: string): Root {
  const { protobuf } = fallback;
  const published = join(import.meta.dirname, "../node_modules/google-gax/build/protos/operations.json");
  const root = protobuf.Root.fromJSON(JSON.parse(readFileSync(published, "utf8")) as object);
  root.addJSON(protobuf.common.get("google/protobuf/timestamp.proto")!.nested!);
  protobuf.parse(proto, root);
  return root.resolveAll() as Root;
}

export function googleGax(front: Front): Client {
  const root = echoRoot(ECHO);
  const auth = aCaller("google-gax");
  const operations = operationsClient(front, root, auth);
  const seen = (operation: unknown) => seenFromWire(operation as WireOperation, root);
  return {
    name: "google-gax",
    parent: "",
    metadata: (mark) => ({
      "@type": "type.googleapis.com/google.showcase.v1beta1.WaitMetadata",
      endTime: endTime(mark),
    }),
    filter: (mark) => `metadata.endTime = "${endTime(mark)}"`,
    response: { "@type": "type.googleapis.com/google.showcase.v1beta1.WaitResponse", content: "a response" },
    async get(name) {
      const [operation] = await operations.getOperation({ name } as never);
      return seen(operation);
    },
    async list({ filter, pageSize }) {
      const listed = [];
      for await (const operation of operations.listOperationsAsync({ name: "operations", filter, pageSize } as never)) {
        listed.push(seen(operation));
      }
      return listed;
    },
    cancel: (name) => operations.cancelOperation({ name } as never),
    delete: (name) => operations.deleteOperation({ name } as never),
    seenError,
    echo: echoClient(front, root, auth, operations),
    retriesUnavailable: true,
  };
}

/** The Echo client of a .proto file that declares it. */
export function echoOf(front: Front, proto: string, options: { minifyJson?: boolean } = {}): EchoClient {
  const root = echoRoot(proto);
  const auth = aCaller("google-gax");
  return echoClient(front, root, auth, operationsClient(front, root, auth), options);
}

function operationsClient(front: Front, root: Root, auth: ReturnType<typeof aCaller>) {
  const options = clientOptions(front, "google-gax");
  return fallback.lro({ auth, protoJson: root } as never).operationsClient({
    ...options,
    servicePath: options.apiEndpoint,
  });
}

function endTime(mark: number): string {
  return new Date(Date.UTC(2040, 0) + mark * 1_000).toISOString().replace(".000Z", "Z");
}

/** As generated clients are written: a stub, settings, and a descriptor that decodes what the operation holds. */
function echoClient(
  front: Front,
  root: Root,
  auth: ReturnType<typeof aCaller>,
  operations: object,
  options: { minifyJson?: boolean } = {},
): EchoClient {
  const grpc = new fallback.GrpcClient({ auth, fallback: true, numericEnums: true, ...options } as never);
  const stub = grpc.createStub(root.lookupService("google.showcase.v1beta1.Echo"), {
    ...clientOptions(front, "google-gax"),
    servicePath: "127.0.0.1",
  });
  const response = root.lookupType("google.showcase.v1beta1.WaitResponse");
  const metadata = root.lookupType("google.showcase.v1beta1.WaitMetadata");
  const descriptor = new fallback.LongrunningDescriptor(
    operations as never,
    response.decode.bind(response),
    metadata.decode.bind(metadata),
  );
  const config = {
    interfaces: {
      "google.showcase.v1beta1.Echo": {
        retry_codes: { idempotent: ["UNAVAILABLE"] },
        retry_params: { default: RETRY },
        methods: { Wait: { timeout_millis: 5_000, retry_codes_name: "idempotent", retry_params_name: "default" } },
      },
    },
  };
  const { wait: settings } = grpc.constructSettings("google.showcase.v1beta1.Echo", config, {}, {});
  const wait = fallback.createApiCall(
    stub.then(
      (methods) =>
        (...parameters: unknown[]) =>
          (methods["wait"] as CallableFunction)(...parameters),
    ) as never,
    settings as never,
    descriptor,
  );
  const backoff = fallback.createDefaultBackoffSettings();
  return {
    async wait(request: EchoRequest, script?: object) {
      const headers = script === undefined ? {} : { "x-emulation-script": JSON.stringify(script) };
      const [operation] = (await wait(request, { otherArgs: { headers } })) as unknown as [EchoOperation];
      return operation;
    },
    async checkWaitProgress(name) {
      const request = new fallback.operationsProtos.google.longrunning.GetOperationRequest({ name });
      const [operation] = await (operations as { getOperation(request: object): Promise<[object]> }).getOperation(
        request,
      );
      return new fallback.Operation(operation as never, descriptor, backoff) as unknown as EchoOperation;
    },
  };
}

/** As showcase's own configuration has it, sooner. */
const RETRY = {
  initial_retry_delay_millis: 50,
  retry_delay_multiplier: 1.5,
  max_retry_delay_millis: 500,
  initial_rpc_timeout_millis: 5_000,
  rpc_timeout_multiplier: 1,
  max_rpc_timeout_millis: 5_000,
  total_timeout_millis: 20_000,
};
