// Snapshots of finished operations in Workers KV: readable from anywhere, a little late. PERSISTED CONTRACT.
// KV is eventually consistent (60 s and more) and has no compare-and-set: nothing exact is decided from it.
import { MIN_RETENTION_MS } from "../limits";
import type { OperationRecord } from "../operation/record";

/** `operation/{id}`: the value is the Operation as JSON, so that `wrangler kv` and other Workers can read it. */
export function snapshotKey(id: string): string {
  return `operation/${id}`;
}

/** Puts the final state of an operation, to be dropped by KV when its retention has passed. */
export async function putSnapshot(
  kv: Pick<KVNamespace, "put">,
  record: OperationRecord,
  json: string | ReadableStream<Uint8Array>,
): Promise<void> {
  const { id, endTime = record.createTime, expireTime = endTime } = record;
  // KV takes no less than 60 s; an operation that expires sooner is not served from here once its object says so.
  const expirationTtl = Math.ceil(Math.max(MIN_RETENTION_MS, expireTime - endTime) / 1_000);
  await kv.put(snapshotKey(id), json, { expirationTtl });
}

export async function deleteSnapshot(kv: Pick<KVNamespace, "delete">, id: string): Promise<void> {
  await kv.delete(snapshotKey(id));
}
