// A request body that is sent in pieces, and tells how much of it was taken.

export interface BodyStream {
  stream: ReadableStream<Uint8Array>;
  /** Pieces taken so far. */
  taken: () => number;
}

/** `pieces` pieces of `pieceBytes` each; one that `stalls` sends no more after them, and does not end. */
export function aBodyStream({ pieces = 1, pieceBytes = 1, stalls = false }): BodyStream {
  let taken = 0;
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller): Promise<void> | undefined {
        if (taken < pieces) {
          taken += 1;
          controller.enqueue(new Uint8Array(pieceBytes).fill(0x20));
          return undefined;
        }
        // oxlint-disable-next-line promise/avoid-new -- a pull that never comes back is a client that has stopped
        if (stalls) return new Promise<void>(() => {});
        controller.close();
        return undefined;
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, taken: () => taken };
}
