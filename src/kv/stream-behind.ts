// Checks that a byte stream begins with a text, and reads no more than that.

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
