// Starting a child operation (docs/fan-out.md): checked before it is written down with its parent, and started once.
import { checkName, operationName, parentFromNames, parseOperationName } from "../aip/resource-name";
import type { StartAnswer } from "../contract/answer";
import { indexShardFromId } from "../contract/index-start";
import type { NewOperation } from "../lifecycle/new-operation";
import type { ChildFacts } from "../lifecycle/record";
import type { Method, PreparedStart } from "../method/define-method";
import { type Json, type JsonObject, isJsonObject } from "../rpc/any";
import { Violations } from "../rpc/decode";
import { invalidArgument } from "../rpc/error";
import { placeFromParent } from "./locations";
import type { OperationStore, Place } from "./ports";
import { startError } from "./start-once";
import { type StartRequest, newOperation, runSlotOf } from "./start-operation";
import { checkLabels } from "./start-settings";

export interface AskedChild {
  method: Method;
  json: JsonObject;
  /** The parent resource where the request names none. */
  parent: string;
  labels: Readonly<Record<string, string>>;
}

export interface PreparedChild extends Pick<
  StartRequest,
  "method" | "json" | "parent" | "target" | "apiVersion" | "deployment" | "operationOptions"
> {
  prepared: PreparedStart;
  place: Place;
}

/** The parent's decisions about it. */
export type ChildStart = ChildFacts &
  Pick<NewOperation, "id" | "createTime" | "starter" | "starterMembers" | "origin" | "traceparent" | "hasWebhooks">;

/** Checks a request as its method's door would. @throws RpcError INVALID_ARGUMENT, NOT_FOUND. */
export async function prepareChild(
  deployment: StartRequest["deployment"],
  { method, json: sent, parent: byDefault, labels }: AskedChild,
  now: number,
): Promise<PreparedChild> {
  const violations = new Violations();
  checkLabels(labels, violations);
  violations.throwIfAny();
  const json = method.template.variables.includes("parent") ? { parent: byDefault, ...sent } : sent;
  const { names, path } = bound(method, json);
  const parent = parentFromNames(names);
  const [, apiVersion = "", ...segments] = path.replace(/:[^/:]*$/, "").split("/");
  return {
    method,
    json,
    parent,
    target: segments.join("/"),
    apiVersion,
    deployment,
    operationOptions: Object.keys(labels).length === 0 ? {} : { labels },
    place: placeFromParent(deployment.locations, parent),
    prepared: await method.prepare(json, { createTime: new Date(now) }),
  };
}

/** The path of a request, and the names in it. */
function bound({ template: { template, regexp } }: Method, json: JsonObject) {
  const names: Record<string, string> = {};
  const path = template.replaceAll(/\{([\w.]+)(?:=[^{}]*)?\}/g, (_, variable: string) => {
    const value = variable
      .split(".")
      .reduce<Json | undefined>((at, key) => (isJsonObject(at) ? at[key] : undefined), json);
    const name = checkName(typeof value === "string" ? value : "");
    if (!name.ok) throw invalidArgument([{ field: variable, description: name.description }]);
    names[variable] = name.value;
    return name.value;
  });
  if (regexp.test(path)) return { names, path };
  const [field = "", value] = Object.entries(names)[0] ?? [];
  throw invalidArgument([{ field, description: `${JSON.stringify(value)} does not fit the path ${template}` }]);
}

/** Starts a child, durable before this resolves. Repeating it gives the operation that is there. */
export async function startChild(
  store: Pick<OperationStore, "start">,
  child: PreparedChild,
  { id, createTime, parentOperation, place, level, ...facts }: ChildStart,
): Promise<void> {
  const { method, json, parent, deployment, prepared } = child;
  const { indexShards } = deployment;
  const indexShard = indexShardFromId(id, indexShards);
  const minted = { id, name: operationName({ parent, id }), createTime, indexShard };
  const runSlot = await runSlotOf(method, parent);
  const operation: NewOperation = {
    ...newOperation(child, minted, { ...prepared, emulation: undefined, runSlot }),
    ...facts,
    child: { parentOperation, place, level },
  };
  const started: StartAnswer = await store.start(operation, JSON.stringify(json), {
    place: child.place,
    input: undefined,
    options: { indexShards, known: { full: [], shardCount: 0 } },
  });
  // One that a client has deleted meanwhile was started.
  if (!started.ok && started.refusal !== "DELETED") throw startError(started.refusal, undefined, minted);
}

/** The parent resource of an operation. */
export function parentOf(operation: string): string {
  return parseOperationName(operation)?.parent ?? "";
}
