// A handler's answer as an HTTP response, and responses that are rewritten as a whole.
import { JsonAnswer } from "../api/answer";
import { matchesEtag } from "../contract/resource";
import { JSON_TYPE } from "./media-type";
import { streamFromParts } from "../service/stream-from-parts";
import { MAX_INDENTED_CHARACTERS, MAX_INDENTED_SOURCE_BYTES } from "../limits";

/** `get`: the request, where it is a GET. It is answered with 304 where the client has this state already (RFC 9110). */
export async function responseFrom(answer: object, get: Request | undefined): Promise<Response> {
  const { json, headers } = answer instanceof JsonAnswer ? answer : new JsonAnswer(JSON.stringify(answer));
  const etag = headers["ETag"];
  if (!get || etag === undefined || !matchesEtag(get.headers.get("If-None-Match"), etag)) {
    return new Response(json, { headers: { "Content-Type": JSON_TYPE, ...headers } });
  }
  if (typeof json !== "string") await json.cancel();
  return new Response(null, { status: 304, headers });
}

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

// The system parameter prettyPrint: the answer indented, as far as that is small enough. Indentation multiplies deep JSON.

const INDENT = 2;

/** The JSON indented by two spaces a level, or as it is where that would be longer than {@link MAX_INDENTED_CHARACTERS}. */
export function indentedJson(json: string): string {
  if (json.length > MAX_INDENTED_SOURCE_BYTES || isLongerIndented(json, MAX_INDENTED_CHARACTERS)) return json;
  return JSON.stringify(JSON.parse(json), null, INDENT);
}

/** An answer indented. One that is too long for it is passed on without being held in memory. */
export function indentedResponse(response: Response): Promise<Response> {
  return rewrittenResponse(response, MAX_INDENTED_SOURCE_BYTES, indentedJson);
}

/** Counted, and not tried: each bracket and comma outside of strings begins a line as deep as it stands. */
function isLongerIndented(json: string, maxCharacters: number): boolean {
  let characters = json.length;
  let level = 0;
  let inString = false;
  for (let index = 0; index < json.length && characters <= maxCharacters; index += 1) {
    const character = json[index];
    if (inString) {
      if (character === "\\") index += 1;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === "{" || character === "[") {
      level += 1;
      characters += 1 + INDENT * level;
    } else if (character === "}" || character === "]") {
      level -= 1;
      characters += 1 + INDENT * level;
    } else if (character === ",") characters += 1 + INDENT * level;
    else if (character === ":") characters += 1;
  }
  return characters > maxCharacters;
}
