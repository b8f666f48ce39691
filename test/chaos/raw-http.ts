// HTTP/1.1 by hand: fetch() would mend, or refuse to send, most of what is hostile.
import { connect } from "node:net";
import { brotliDecompressSync, gunzipSync } from "node:zlib";

export type Outcome = (Answer | NoAnswer) & { ms: number };

export interface Answer {
  type: "answered";
  status: number;
  headers: Map<string, string>;
  body: Buffer;
}

/** The server closed the connection without a whole answer, or did nothing in time; or this side has broken off. */
type NoAnswer = { type: "closed" } | { type: "timeout" } | { type: "brokenOff" };

export interface Exchange {
  port: number;
  bytes: Buffer;
  /** Whether the answer has no body, whatever its headers say. */
  isHead: boolean;
  /** Whether there is more to come that never does: this side then hangs up. */
  isBrokenOff: boolean;
  timeoutMs: number;
}

/** How long the server may have what has come of a request that is broken off. */
const BREAK_OFF_MS = 100;

/** Sends the bytes on a connection of their own, and reads one answer. */
export function exchange({ port, bytes, isHead, isBrokenOff, timeoutMs }: Exchange): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const startTime = performance.now();
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  let received: Buffer = Buffer.alloc(0);
  const end = (outcome: Answer | NoAnswer): void => {
    clearTimeout(timer);
    socket.destroy();
    resolve({ ...outcome, ms: performance.now() - startTime });
  };
  const timer = isBrokenOff
    ? setTimeout(() => end({ type: "brokenOff" }), BREAK_OFF_MS)
    : setTimeout(() => end({ type: "timeout" }), timeoutMs);
  const ended = (): void => end(answerFrom(received, { isHead, isEnded: true }) ?? { type: "closed" });
  socket.on("data", (data) => {
    received = Buffer.concat([received, data]);
    const answer = answerFrom(received, { isHead, isEnded: false });
    if (answer) end(answer);
  });
  socket.on("end", ended);
  socket.on("close", ended);
  // Bytes that arrived before the connection broke count; a write that found it closed is the server's answer being early.
  socket.on("error", () => {});
  socket.write(bytes);
  return promise;
}

/** The first final answer in the bytes; undefined while it is not whole. */
function answerFrom(bytes: Buffer, { isHead, isEnded }: { isHead: boolean; isEnded: boolean }): Answer | undefined {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const [statusLine = "", ...lines] = bytes.subarray(0, headEnd).toString("latin1").split("\r\n");
  const status = Number(statusLine.split(" ")[1]);
  const rest = bytes.subarray(headEnd + 4);
  // 100 Continue and its like come before the answer.
  if (status < 200) return answerFrom(rest, { isHead, isEnded });
  const headers = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
  const body = isHead || status === 204 || status === 304 ? Buffer.alloc(0) : bodyFrom(rest, headers, isEnded);
  return body && { type: "answered", status, headers, body: decoded(body, headers.get("content-encoding")) };
}

function decoded(body: Buffer, encoding: string | undefined): Buffer {
  if (body.length === 0) return body;
  return encoding === "gzip" ? gunzipSync(body) : encoding === "br" ? brotliDecompressSync(body) : body;
}

function bodyFrom(bytes: Buffer, headers: Map<string, string>, isEnded: boolean): Buffer | undefined {
  if (headers.get("content-type")?.startsWith("text/event-stream")) return firstEvents(bytes);
  if (headers.get("transfer-encoding") === "chunked") return unchunked(bytes)?.body;
  const length = headers.get("content-length");
  if (length === undefined) return isEnded ? bytes : undefined;
  return bytes.length >= Number(length) ? bytes.subarray(0, Number(length)) : undefined;
}

/** A watch of running work does not end: its first events are its answer. */
function firstEvents(bytes: Buffer): Buffer | undefined {
  const whole = unchunked(bytes, { isPart: true });
  return whole && (whole.isEnded || /^event: .*?\n\n/ms.test(whole.body.toString("utf8"))) ? whole.body : undefined;
}

function unchunked(bytes: Buffer, { isPart = false } = {}): { body: Buffer; isEnded: boolean } | undefined {
  const parts: Buffer[] = [];
  const part = (): { body: Buffer; isEnded: boolean } | undefined =>
    isPart ? { body: Buffer.concat(parts), isEnded: false } : undefined;
  for (let offset = 0; ;) {
    const lineEnd = bytes.indexOf("\r\n", offset);
    if (lineEnd < 0) return part();
    const length = Number.parseInt(bytes.subarray(offset, lineEnd).toString("latin1"), 16);
    const start = lineEnd + 2;
    if (length === 0) return { body: Buffer.concat(parts), isEnded: true };
    if (bytes.length < start + length + 2) return part();
    parts.push(bytes.subarray(start, start + length));
    offset = start + length + 2;
  }
}
