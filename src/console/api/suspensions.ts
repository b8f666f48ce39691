// The points at which an operation waits for an answer: GET {operation}/suspensions, and `:resolve`.
import { call, pathOf } from "./call";
import type { Json, JsonObject } from "./json";

export interface Suspension {
  name: string;
  state: "PENDING" | "RESOLVED" | "EXPIRED";
  prompt?: string;
  payloadSchema?: JsonObject;
  createTime?: string;
  expireTime?: string;
  resolveTime?: string;
  resolver?: string;
}

export async function listSuspensions(operation: string, signal?: AbortSignal): Promise<readonly Suspension[]> {
  const { suspensions = [] } = await call<{ suspensions?: Suspension[] }>(pathOf(`${operation}/suspensions`), {
    signal,
  });
  return suspensions;
}

export function resolveSuspension(name: string, payload: Json): Promise<Suspension> {
  return call<Suspension>(pathOf(`${name}:resolve`), { method: "POST", body: { payload } });
}
