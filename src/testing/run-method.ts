// runMethod: runs a method without a runtime, as its clients would see it.
import type { MetadataOfMethod, RequestOf, ResponseOf, TypedMethod } from "../client/method-client";
import type { Method } from "../method/define-method";
import type { MethodRun, RunMethodOptions } from "./method-run";
import { played, runOf, startOf } from "./play";
import { withSurroundings } from "./surroundings";

/**
 * Runs a method to its end, in memory: sleeps and backoffs take no time. `request` is what a client sends.
 *
 * @throws RpcError if the service would reject the request. An operation that fails is no error here: the result has it.
 * @example
 * const { response, steps } = await runMethod(deliver, { parent: "projects/p", text: "Hello.", urls }, {
 *   steps: { "deliver *": 200 },
 * });
 */
export async function runMethod<M extends Method & TypedMethod>(
  method: M,
  request: RequestOf<M>,
  options: RunMethodOptions = {},
): Promise<MethodRun<ResponseOf<M>, MetadataOfMethod<M>>> {
  return withSurroundings(async () => {
    const started = await startOf(method, request, options);
    return runOf(await played(method, started, options)) as MethodRun<ResponseOf<M>, MetadataOfMethod<M>>;
  });
}
