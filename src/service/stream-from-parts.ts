// Text around a byte stream, as one byte stream, of which no more is in memory than the part that is being sent.

/** The parts one after another. Whoever cancels it cancels the streams among them. */
export function streamFromParts(parts: readonly (string | ReadableStream<Uint8Array>)[]): ReadableStream<Uint8Array> {
  const sources = parts.map((part) => (typeof part === "string" ? streamFromText(part) : part).getReader());
  let position = 0;
  return new ReadableStream({
    async pull(controller): Promise<void> {
      for (; position < sources.length; position += 1) {
        const chunk = await sources[position]?.read();
        if (chunk?.value) return controller.enqueue(chunk.value);
      }
      controller.close();
    },
    async cancel(reason): Promise<void> {
      await Promise.all(sources.slice(position).map((source) => source.cancel(reason)));
    },
  });
}

function streamFromText(text: string): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller): void {
      controller.enqueue(new TextEncoder().encode(text));
      controller.close();
    },
  });
}
