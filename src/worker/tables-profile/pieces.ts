// Cuts an input into pieces of one size, so that memory, and which of two errors is told first, do not hang on its chunks.

/** The same bytes in pieces of `pieceBytes`, the last one shorter. Input in such pieces is not copied. */
export async function* piecesFromChunks(
  chunks: AsyncIterable<Uint8Array>,
  pieceBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let piece = new Uint8Array(pieceBytes);
  let filled = 0;
  for await (const chunk of chunks) {
    if (filled === 0 && chunk.length === pieceBytes) {
      yield chunk;
      continue;
    }
    for (let taken = 0; taken < chunk.length;) {
      const part = chunk.subarray(taken, taken + pieceBytes - filled);
      piece.set(part, filled);
      taken += part.length;
      filled += part.length;
      if (filled < pieceBytes) continue;
      yield piece;
      piece = new Uint8Array(pieceBytes);
      filled = 0;
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}

/** A byte stream in such pieces, each read into memory once: the runtime's own small chunks would be garbage of its size. */
export async function* piecesFromStream(
  stream: ReadableStream<Uint8Array>,
  pieceBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = stream.getReader({ mode: "byob" });
  try {
    for (;;) {
      const { value } = await reader.readAtLeast(pieceBytes, new Uint8Array(pieceBytes));
      if (value === undefined || value.length === 0) return;
      yield value;
    }
  } finally {
    // Left before its end, it need not be sent on.
    await reader.cancel();
  }
}
