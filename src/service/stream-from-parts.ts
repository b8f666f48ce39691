// Texts and byte streams one after another, as one byte stream, of which no more is in memory than what is being sent.
import { STREAM_BATCH_CHARACTERS } from "../limits";
import { streamFromText } from "../rpc/utf8";

/** The parts one after another. A cancellation cancels the streams among them. */
export function streamFromParts(parts: readonly (string | ReadableStream<Uint8Array>)[]): ReadableStream<Uint8Array> {
  let position = 0;
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  const next = (): ReadableStream<Uint8Array> | undefined => {
    const part = parts[position];
    if (typeof part !== "string") {
      position += 1;
      return part;
    }
    const batch: string[] = [];
    for (let characters = 0; characters < STREAM_BATCH_CHARACTERS; position += 1) {
      const text = parts[position];
      if (typeof text !== "string") break;
      batch.push(text);
      characters += text.length;
    }
    return streamFromText(batch.join(""));
  };
  return new ReadableStream({
    async pull(controller): Promise<void> {
      for (;;) {
        reader ??= next()?.getReader();
        if (!reader) return controller.close();
        const { value } = await reader.read();
        if (value) return controller.enqueue(value);
        reader = undefined;
      }
    },
    async cancel(reason): Promise<void> {
      const streams = parts.slice(position).filter((part) => typeof part !== "string");
      await Promise.all([reader?.cancel(reason), ...streams.map((stream) => stream.cancel(reason))]);
    },
  });
}
