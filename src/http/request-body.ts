// Request bodies: read within bounds, decoded as JSON, and drained before an error is answered.
import {
  BODY_READ_BYTES,
  MAX_BODY_READ_MS,
  MAX_DRAIN_BYTES,
  MAX_DRAIN_MS,
  MAX_FIELD_VIOLATIONS,
  MAX_QUOTED_CHARACTERS,
} from "../limits";
import { type Json, type JsonObject, isJsonObject } from "../rpc/any";
import { fieldPathText } from "../protobuf/field-path";
import { RpcError, invalidArgument } from "../rpc/error";
import { bodyTooLarge } from "../service/start-once";
import { withinLimit } from "../time-limit";
import { contentCodingOf, decodedBytes, decodedParts } from "./content-coding";
import { HeldRight, type Right } from "./held-right";
import { countFields, inexactNumbers, repeatedFields } from "./exact-json";
import { jsonShape } from "./json-shape";
import { isJson, parseMediaType } from "./media-type";

/** The body of one request. Every consumer reads it here, so that the rest can be drained. */
export class RequestBody {
  readonly #request: Request;
  /** Content-Length; 0 without one. */
  readonly #announced: number;
  #next: NextBytes | undefined;
  #ended = false;
  /** Set once the body was given away as a stream; `settled` when nothing more goes that way. */
  #streamed: { readable: ReadableStream<Uint8Array>; settled: Promise<void> } | undefined;
  #readBytes = 0;
  #problem: RpcError | undefined;

  constructor(request: Request) {
    this.#request = request;
    this.#announced = Number(request.headers.get("Content-Length") ?? 0);
    // The platform makes a stream where `body` is read, and a body whose length is announced is read without one.
    this.#ended = this.#announced === 0 && request.body === null;
  }

  /** Whether there is nothing to read, as far as the request's head says. */
  get isAbsent(): boolean {
    if (this.#announced > 0) return false;
    return this.#request.body === null || this.#request.headers.get("Content-Length") === "0";
  }

  /** The error of a body that was passed on as a stream, when it is known. */
  get problem(): RpcError | undefined {
    return this.#problem;
  }

  /** The next bytes as they were sent, or undefined at the end. */
  async #read(): Promise<Uint8Array | undefined> {
    if (this.#ended) return undefined;
    const { body } = this.#request;
    this.#next ??= body === null ? async () => undefined : nextBytesOf(body);
    const part = await this.#next();
    if (part) this.#readBytes += part.length;
    else this.#ended = true;
    return part;
  }

  /** The whole body, decoded, within {@link MAX_BODY_READ_MS}: at most `maxBytes` sent, and as many decoded. */
  async bytes(maxBytes: number): Promise<Uint8Array> {
    const sent = await withinLimit(this.#bytes(maxBytes), MAX_BODY_READ_MS, () => this.#tooSlow());
    const coding = sent.length === 0 ? undefined : contentCodingOf(this.#request.headers);
    return coding === undefined ? sent : decodedBytes(coding, sent, maxBytes);
  }

  /** Nothing of it is waited for any more, not even to be drained. */
  #tooSlow(): never {
    this.#ended = true;
    throw bodyTooSlow();
  }

  async #bytes(maxBytes: number): Promise<Uint8Array> {
    if (this.#announced > maxBytes) throw bodyTooLarge(maxBytes);
    if (this.#announced > 0 && !this.#ended) {
      // The runtime reads a body in one go if its declared length, which HTTP enforces, is within the limit.
      this.#ended = true;
      const bytes = await ofClient(this.#request.bytes());
      if (bytes.length <= maxBytes) return bytes;
      throw bodyTooLarge(maxBytes);
    }
    const parts: Uint8Array[] = [];
    let length = 0;
    for (let part = await ofClient(this.#read()); part; part = await ofClient(this.#read())) {
      length += part.length;
      if (length > maxBytes) throw bodyTooLarge(maxBytes);
      parts.push(part);
    }
    const bytes = new Uint8Array(length);
    let offset = 0;
    for (const part of parts) {
      bytes.set(part, offset);
      offset += part.length;
    }
    return bytes;
  }

  /**
   * The body as a stream, decoded; a reader that stops early leaves the rest to be drained. It goes through one buffer and a
   * stream of the runtime's own: otherwise garbage of the body's size would pile up in this isolate. Its reader counts what
   * comes out; of a coded body, `maxBytes` bounds what is sent as well. Where the sender's `right` ends, the stream breaks off.
   */
  stream(maxBytes = Infinity, right?: Right): ReadableStream<Uint8Array> {
    const { body, headers } = this.#request;
    const coding = this.isAbsent ? undefined : contentCodingOf(headers);
    const { readable, writable } = new IdentityTransformStream();
    // A decoder keeps what it was given, so it is given a buffer of its own each time.
    if (body) this.#next ??= coding === undefined ? nextLargeBytesOf(body) : nextBytesOf(body);
    const sent = this.#sentParts(coding === undefined ? Infinity : maxBytes);
    const parts = coding === undefined ? sent : decodedParts(coding, sent);
    this.#streamed = { readable, settled: this.#writeTo(writable.getWriter(), parts, right) };
    return readable;
  }

  async *#sentParts(maxBytes: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let part = await this.#read(); part; part = await this.#read()) {
      if (this.#readBytes > maxBytes) throw bodyTooLarge(maxBytes);
      yield part;
    }
  }

  async #writeTo(
    writer: WritableStreamDefaultWriter<Uint8Array>,
    parts: AsyncGenerator<Uint8Array, void, undefined>,
    right: Right | undefined,
  ): Promise<void> {
    // At once, also while the client sends nothing: the loop below notices with its next write.
    const held = right && new HeldRight(right, (error) => this.#cut(writer, error));
    try {
      // The written part was read by then, and may be overwritten.
      for await (const part of parts) await writer.write(part);
      await held?.confirm();
      if (this.#problem) throw this.#problem;
      await writer.close();
    } catch (error) {
      if (error instanceof RpcError) this.#problem ??= error;
      // The reader has stopped, or the client went away: what was read must not pass for the whole.
      console.info({ message: "body not read to its end", error: String(error) });
      await writer.abort(error).catch(() => undefined);
    } finally {
      held?.release();
    }
  }

  #cut(writer: WritableStreamDefaultWriter<Uint8Array>, error: unknown): void {
    this.#problem ??= RpcError.from(error);
    // Rejected where the stream has failed already; then there is nothing to cut.
    void writer.abort(error).catch(() => undefined);
  }

  /** Reads on, within bounds, without keeping anything: an answer over an unread body breaks the client's connection. */
  async drain(): Promise<void> {
    if (this.#ended) return;
    try {
      // A client that stops sending lets a read hang for ever.
      await withinLimit(this.#readOn(), MAX_DRAIN_MS, () => this.#tooSlow());
    } catch (error) {
      // The client has stopped sending, or went away: nobody is there to be answered.
      console.info({ message: "body not drained", error: String(error) });
    }
  }

  async #readOn(): Promise<void> {
    if (this.#streamed) {
      // The body was not taken, because the call was rejected before.
      if (!this.#streamed.readable.locked) await this.#streamed.readable.cancel();
      await this.#streamed.settled;
    }
    while (!this.#ended && this.#readBytes < MAX_DRAIN_BYTES) await this.#read();
  }
}

/** The client may go away in the middle. */
async function ofClient<T>(read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch {
    throw brokenOff();
  }
}

/** The next bytes of a body, or undefined at its end. They may be read over by the next call. */
type NextBytes = () => Promise<Uint8Array | undefined>;

function nextBytesOf(body: ReadableStream<Uint8Array>): NextBytes {
  const reader = body.getReader();
  return async () => (await reader.read()).value;
}

function nextLargeBytesOf(body: ReadableStream<Uint8Array>): NextBytes {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: "byob" });
  } catch {
    // No byte stream, as bodies that come over a network are.
    return nextBytesOf(body);
  }
  let buffer = new ArrayBuffer(BODY_READ_BYTES);
  return async () => {
    const { done, value } = await reader.read(new Uint8Array(buffer));
    if (value) buffer = value.buffer;
    return done ? undefined : value;
  };
}

/** Reads a body as a JSON object. An absent or empty one is `{}`, whatever its type. */
export async function readJsonObject(request: Request, body: RequestBody, maxBytes: number): Promise<JsonObject> {
  const json = await readJson(request, body, maxBytes);
  if (json === undefined) return {};
  if (!isJsonObject(json)) throw bodyError("must be a JSON object");
  return json;
}

/** Reads a body as JSON; undefined where it is absent or empty. */
export async function readJson(request: Request, body: RequestBody, maxBytes: number): Promise<Json | undefined> {
  const bytes = await body.bytes(maxBytes);
  if (bytes.length === 0) return undefined;
  const mediaType = parseMediaType(request.headers.get("Content-Type"));
  if (mediaType && !isJson(mediaType)) {
    throw bodyError(`must be JSON with Content-Type "application/json", not ${JSON.stringify(mediaType.essence)}`);
  }
  return decodeJson(bytes);
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/** Parses JSON from UTF-8, within the limits of {@link jsonShape}. */
export function decodeJson(bytes: Uint8Array): Json {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    // The decoder says no more than that it failed.
    throw bodyError("is not UTF-8");
  }
  const shape = jsonShape(text);
  if (shape.problem !== undefined) throw bodyError(shape.problem);
  let json: Json;
  try {
    json = JSON.parse(text) as Json;
  } catch (error) {
    throw bodyError(`is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const inexact = shape.mayBeInexact ? inexactNumbers(text, MAX_FIELD_VIOLATIONS) : [];
  const violations = inexact.map(({ path, source }) => ({
    field: fieldPathText(path) || "body",
    description: `must be written as a string: as a JSON number, ${source.slice(0, MAX_QUOTED_CHARACTERS)} is not exact`,
  }));
  if (shape.fieldCount > 0 && shape.fieldCount !== countFields(json)) {
    const paths = repeatedFields(text, MAX_FIELD_VIOLATIONS);
    violations.push(...paths.map((path) => ({ field: fieldPathText(path), description: "is given more than once" })));
  }
  const [first, ...more] = violations;
  if (first) throw invalidArgument([first, ...more]);
  return json;
}

/** A client that goes away in the middle is no fault of the service, and is logged as what it is. */
function brokenOff(): RpcError {
  return new RpcError("CANCELLED", "body: broke off before its end", { reason: "REQUEST_BROKEN_OFF" });
}

/** RFC 9110, section 15.5.9. */
function bodyTooSlow(): RpcError {
  const message = `body: was not sent whole within ${MAX_BODY_READ_MS / 1_000} s`;
  return new RpcError("DEADLINE_EXCEEDED", message, { reason: "REQUEST_BODY_TOO_SLOW", httpStatus: 408 });
}

export function bodyError(description: string): RpcError {
  return invalidArgument([{ field: "body", description }]);
}
