// An answer rewritten as a whole, where it is small enough to be held in memory; a larger one is passed on as it comes.
import { streamFromParts } from "../service/stream-from-parts";

export async function rewrittenResponse(
  response: Response,
  maxBytes: number,
  rewrite: (json: string) => string,
): Promise<Response> {
  if (!response.body) return response;
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Response(rewrite(text + decoder.decode()), response);
    text += decoder.decode(value, { stream: true });
    bytes += value.length;
    if (bytes > maxBytes) break;
  }
  // Bytes of a character that is cut in two by the chunk's end are kept by the decoder, and go on as bytes.
  const rest = new ReadableStream<Uint8Array>({
    async pull(controller): Promise<void> {
      const { done, value } = await reader.read();
      text = decoder.decode(value, { stream: !done });
      if (text !== "") controller.enqueue(new TextEncoder().encode(text));
      if (done) controller.close();
      else if (text === "") await this.pull?.(controller);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return new Response(streamFromParts([text, rest]), response);
}
