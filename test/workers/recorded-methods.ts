// The methods whose operations are recorded (test/recorder), with every option that changes a record. A test runs what they do.
import { type MethodDeclaration, defineMethod } from "../../src/index";
import { int32, message } from "../../src/protobuf";
import type { JsonObject } from "../../src/rpc/any";
import { controls } from "./controls";

function scripted<Metadata extends object = JsonObject>(
  verb: string,
  options: Partial<MethodDeclaration<JsonObject, JsonObject, Metadata>> = {},
) {
  return defineMethod<JsonObject, JsonObject, Metadata>({
    http: { post: `/v1/{parent=projects/*}/scripts/{script=*}:${verb}`, body: "*" },
    id: `scripts:${verb}`,
    request: (json: JsonObject) => json,
    retry: { maxAttempts: 3, initialBackoff: "10s", maxBackoff: "1m", backoffMultiplier: 2 },
    attemptTimeout: "30m",
    usualDuration: "5m",
    ...(options.dispatch === undefined ? { maxConcurrent: 50 } : {}),
    ...options,
    run: (request, operation) =>
      controls.scripts.get(request["script"] as string)!(operation, request) as Promise<JsonObject>,
  });
}

const ScriptProgress = message("acme.v1.ScriptProgress", { rows: int32(1) });

export const recordedMethods = [
  scripted("run"),
  scripted("hurry", { timeout: "10s" }),
  scripted("single", { maxConcurrent: 1 }),
  scripted("transcode", { queue: "TRANSCODE" }),
  scripted("direct", { dispatch: "direct" }),
  scripted("patient", { timeout: "30d" }),
  scripted("declared", {
    responseType: message("acme.v1.ScriptResult", { rows: int32(1) }) as never,
    metadataType: ScriptProgress as never,
  }),
  scripted("upload", {
    http: { post: "/v1/{parent=projects/*}/scripts/{script=*}:upload" },
    input: { contentTypes: ["text/csv"], maxBytes: 3_000_000 },
  }),
];
