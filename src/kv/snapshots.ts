// Snapshots of finished operations in Workers KV, a little late: nothing exact is decided from it. PERSISTED CONTRACT.
import { parseOperationName } from "../aip/resource-name";
import { MIN_RETENTION_MS } from "../limits";
import type { SnapshotAnswer } from "../contract/answer";
import type { OperationRecord } from "../lifecycle/record";
import { etag, operationJsonStart } from "../contract/resource";

/** KV metadata beside the JSON. Entries of earlier versions have none, so each field may be missing. */
export interface SnapshotMetadata {
  revision?: number;
  /** Milliseconds since 1970, as are all times. From then on nothing about the operation changes. */
  endTime?: number;
  /** From then on the snapshot is not served. KV keeps an expired entry for a while. */
  expireTime?: number;
}

/** `operation/{id}`: the value is the Operation as JSON, so that `wrangler kv` and other Workers can read it. */
export function snapshotKey(id: string): string {
  return `operation/${id}`;
}

export async function putSnapshot(
  kv: Pick<KVNamespace, "put">,
  record: OperationRecord,
  json: string | ReadableStream<Uint8Array>,
  now: number,
): Promise<void> {
  const { id, revision, endTime = record.createTime, expireTime = endTime } = record;
  // KV accepts no less than 60 s. A snapshot that expires sooner is not served.
  const expirationTtl = Math.ceil(Math.max(MIN_RETENTION_MS, expireTime - now) / 1_000);
  await kv.put(snapshotKey(id), json, {
    expirationTtl,
    metadata: { revision, endTime, expireTime } satisfies SnapshotMetadata,
  });
}

export async function deleteSnapshot(kv: Pick<KVNamespace, "delete">, id: string): Promise<void> {
  await kv.delete(snapshotKey(id));
}

/** The snapshot of exactly this name, by one read; undefined if it does not exist or has expired. */
export async function readSnapshot(
  kv: Pick<KVNamespace, "getWithMetadata">,
  name: string,
  now: number,
): Promise<SnapshotAnswer | undefined> {
  const id = parseOperationName(name)?.id ?? "";
  // A text that is not an object's id has no snapshot, and KV rejects long keys.
  if (!/^[0-9a-f]{64}$/.test(id)) return undefined;
  const { value, metadata } = await kv.getWithMetadata<SnapshotMetadata>(snapshotKey(id), "stream");
  if (value === null) return undefined;
  const { revision, endTime, expireTime } = metadata ?? {};
  if (expireTime !== undefined && expireTime <= now) {
    await value.cancel();
    return undefined;
  }
  // The name is the first field. The rest is passed on as it comes, however large.
  const json = await streamBehind(value, operationJsonStart(name));
  if (!json) return undefined;
  return {
    json,
    done: true,
    etag: revision === undefined ? undefined : etag({ revision }),
    snapshot: { endTime },
  };
}

/**
 * The whole stream, its beginning included, if it begins with `start`. Otherwise it is cancelled, and the result is
 * undefined.
 */
export async function streamBehind(
  stream: ReadableStream<Uint8Array>,
  start: string,
): Promise<ReadableStream<Uint8Array> | undefined> {
  const expected = new TextEncoder().encode(start);
  const reader = stream.getReader();
  const parts: Uint8Array[] = [];
  let compared = 0;
  while (compared < expected.length) {
    const { done, value } = await reader.read();
    const isAsExpected = !done && value.every((byte, index) => byte === (expected[compared + index] ?? byte));
    if (!isAsExpected) {
      await reader.cancel();
      return undefined;
    }
    parts.push(value);
    compared += value.length;
  }
  return new ReadableStream({
    async pull(controller) {
      const held = parts.shift();
      const { done, value } = held ? { done: false, value: held } : await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
