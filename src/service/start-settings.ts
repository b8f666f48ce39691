// The settings that a start may bring beside its request (operationOptions).
import type { OperationFacts } from "../lifecycle/record";
import type { JsonObject } from "../rpc/any";

/** Absent where they are the defaults. */
export type StartSettings = Pick<OperationFacts, "labels" | "scheduleTime" | "priority" | "webhookConfig">;

/** The request that a requestId is bound to: the settings count as a part of it. */
export function boundRequest(json: JsonObject, settings: StartSettings): JsonObject {
  return Object.keys(settings).length === 0 ? json : { request: json, operationOptions: { ...settings } as JsonObject };
}
