// Snapshots of finished operations in Workers KV: readable from anywhere, a little late. PERSISTED CONTRACT.
// KV is eventually consistent (60 s and more) and has no compare-and-set: nothing exact is decided from it.
import { parseOperationName } from "../aip/resource-name";
import { MIN_RETENTION_MS } from "../limits";
import type { SnapshotAnswer } from "../contract/answer";
import type { OperationRecord } from "../lifecycle/record";
import { etag, operationJsonStart } from "../contract/resource";
import { streamBehind } from "./stream-behind";

/** Stands beside the JSON, as KV metadata. Entries of earlier versions have none: each field may be missing. */
export interface SnapshotMetadata {
  /** Of the operation, for its ETag. */
  revision?: number;
  /** Milliseconds since 1970, as are all times: from then on nothing about the operation changes. */
  endTime?: number;
  /** KV keeps what expires for a while: from then on it is not served. */
  expireTime?: number;
}

/** `operation/{id}`: the value is the Operation as JSON, so that `wrangler kv` and other Workers can read it. */
export function snapshotKey(id: string): string {
  return `operation/${id}`;
}

/** Puts the final state of an operation, to be dropped by KV when its retention has passed. */
export async function putSnapshot(
  kv: Pick<KVNamespace, "put">,
  record: OperationRecord,
  json: string | ReadableStream<Uint8Array>,
  now: number,
): Promise<void> {
  const { id, revision, endTime = record.createTime, expireTime = endTime } = record;
  // KV takes no less than 60 s; what expires sooner is not served from here.
  const expirationTtl = Math.ceil(Math.max(MIN_RETENTION_MS, expireTime - now) / 1_000);
  await kv.put(snapshotKey(id), json, {
    expirationTtl,
    metadata: { revision, endTime, expireTime } satisfies SnapshotMetadata,
  });
}

export async function deleteSnapshot(kv: Pick<KVNamespace, "delete">, id: string): Promise<void> {
  await kv.delete(snapshotKey(id));
}

/** The snapshot of exactly this name, by one read; undefined: none, it has expired, or another parent was asked for. */
export async function readSnapshot(
  kv: Pick<KVNamespace, "getWithMetadata">,
  name: string,
  now: number,
): Promise<SnapshotAnswer | undefined> {
  const id = parseOperationName(name)?.id ?? "";
  // Of what is no object's id there is no snapshot, and KV refuses long keys.
  if (!/^[0-9a-f]{64}$/.test(id)) return undefined;
  const { value, metadata } = await kv.getWithMetadata<SnapshotMetadata>(snapshotKey(id), "stream");
  if (value === null) return undefined;
  const { revision, endTime, expireTime } = metadata ?? {};
  if (expireTime !== undefined && expireTime <= now) {
    await value.cancel();
    return undefined;
  }
  // The name is the first of the fields: the rest is passed on as it comes, however large.
  const json = await streamBehind(value, operationJsonStart(name));
  if (!json) return undefined;
  return {
    json,
    done: true,
    etag: revision === undefined ? undefined : etag({ revision }),
    snapshot: { endTime },
  };
}
