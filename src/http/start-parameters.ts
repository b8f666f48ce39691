// Takes the parameters of a start (requestId, validateOnly, operationOptions) out of query and body: they are no fields of the
// method's own request.
import { type StartOptions, StartParameters, startOptions } from "../api/messages/start";
import { type Json, type JsonObject, isJsonObject } from "../rpc/any";
import { Violations } from "../rpc/decode";
import { decodeMessage } from "./decode-message";
import { transcode } from "./transcoding";

export const NO_START: StartOptions = { requestId: undefined, validateOnly: false, operationOptions: {} };

const NAMES = StartParameters.fields.flatMap(({ jsonName, protoName }) => [jsonName, protoName]);
/** Query parameters that the body may repeat, if both say the same. */
const BESIDES = [
  ...NAMES,
  "operationOptions.scheduleTime",
  "operationOptions.priority",
  "operationOptions.webhookConfig.uris",
];
// A label's key may have hyphens, which no field path has.
const LABEL = /^operation(?:Options|_options)\.labels\.(.+)$/;

function isStart(name: string): boolean {
  return NAMES.includes(name.split(".", 1)[0] ?? "");
}

export interface SplitStart {
  start: StartOptions;
  /** The query and the body without them. */
  query: URLSearchParams;
  rest: JsonObject;
}

/** @throws RpcError INVALID_ARGUMENT naming each parameter that is wrong, or differs between query and body. */
export function startParameters(query: URLSearchParams, body: JsonObject, now: number): SplitStart {
  // Most starts have none of them.
  if (query.size === 0 && !Object.keys(body).some(isStart)) return { start: NO_START, query, rest: body };
  const ofQuery = Map.groupBy(query, ([name]) => (LABEL.test(name) ? "label" : isStart(name) ? "start" : "rest"));
  const ofBody = Map.groupBy(Object.entries<Json>(body), ([name]) => isStart(name));
  const sent = withLabels(Object.fromEntries(ofBody.get(true) ?? []), ofQuery.get("label") ?? []);
  const json = transcode({
    pathVariables: {},
    query: new URLSearchParams(ofQuery.get("start")),
    body: sent,
    bodyRule: "*",
    besides: BESIDES,
    describe: StartParameters,
    path: "",
  });
  return {
    start: startOptions(decodeMessage(StartParameters, json), now),
    query: new URLSearchParams(ofQuery.get("rest")),
    rest: Object.fromEntries(ofBody.get(false) ?? []),
  };
}

/** The parameters in the body, with the labels of the query (`operationOptions.labels.env=prod`). */
function withLabels(body: JsonObject, parameters: readonly [string, string][]): JsonObject {
  if (parameters.length === 0) return body;
  const name = Object.hasOwn(body, "operation_options") ? "operation_options" : "operationOptions";
  const options = body[name] ?? {};
  // A value of another type is rejected where the message is read.
  if (!isJsonObject(options) || !isJsonObject(options["labels"] ?? {})) return body;
  const labels = new Map(Object.entries((options["labels"] ?? {}) as JsonObject));
  const violations = new Violations();
  for (const [parameter, value] of parameters) {
    const key = LABEL.exec(parameter)?.[1] ?? "";
    const given = labels.get(key);
    if (given !== undefined && given !== value) {
      violations.add(`operationOptions.labels.${key}`, "has two different values");
    }
    labels.set(key, value);
  }
  violations.throwIfAny();
  return { ...body, [name]: { ...options, labels: Object.fromEntries(labels) } };
}
