// A streamed input in the chunks of its operation's object: under the row limit, and never whole in memory.
import { INPUT_CHUNK_BYTES } from "../limits";
import type { StartRefusal, StreamedInput } from "../operation/answer";
import type { OperationStorage } from "./operation-storage";

export type StoredInput = { ok: true; bytes: number } | { ok: false; refusal: StartRefusal };

type ChunkStorage = Pick<OperationStorage, "saveInputChunk" | "inputChunk">;

/** Stores a stream chunk by chunk; `beforeFirst` runs in the transaction of the first, to arm what erases it again. */
export async function storeInput(
  { stream, maxBytes }: StreamedInput,
  storage: ChunkStorage,
  beforeFirst: () => Promise<void> | undefined,
): Promise<StoredInput> {
  const buffer = new Uint8Array(INPUT_CHUNK_BYTES);
  let filled = 0;
  let bytes = 0;
  let chunks = 0;
  const flush = async (): Promise<void> => {
    const armed = chunks === 0 ? beforeFirst() : undefined;
    storage.saveInputChunk(chunks, buffer.slice(0, filled));
    chunks += 1;
    filled = 0;
    await armed;
  };
  try {
    for await (const part of stream) {
      bytes += part.length;
      if (bytes > maxBytes) return { ok: false, refusal: "INPUT_TOO_LARGE" };
      let offset = 0;
      while (offset < part.length) {
        const taken = Math.min(INPUT_CHUNK_BYTES - filled, part.length - offset);
        buffer.set(part.subarray(offset, offset + taken), filled);
        filled += taken;
        offset += taken;
        if (filled === INPUT_CHUNK_BYTES) await flush();
      }
    }
  } catch (error) {
    // The client went away in the middle of its upload: nobody is there to be answered.
    console.info({ message: "upload interrupted", error: String(error) });
    return { ok: false, refusal: "INPUT_INTERRUPTED" };
  }
  if (filled > 0) await flush();
  return bytes === 0 ? { ok: false, refusal: "INPUT_EMPTY" } : { ok: true, bytes };
}

/** The stored input as a byte stream, one chunk read at a time as it is asked for. */
export function inputStream(storage: ChunkStorage): ReadableStream<Uint8Array> {
  let index = 0;
  return new ReadableStream({
    type: "bytes",
    pull(controller: ReadableByteStreamController) {
      const chunk = storage.inputChunk(index);
      index += 1;
      if (chunk) controller.enqueue(chunk);
      else controller.close();
    },
  });
}
