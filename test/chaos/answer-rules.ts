// The rules of every answer, whatever the request is: JSON, with errors in the form of AIP-193, and of no 5xx but 503.
import { type CodeName, Code, httpStatusByCode } from "../../src/rpc/code.ts";
import type { HostileRequest } from "./hostile-requests.ts";
import type { Outcome } from "./raw-http.ts";

export const MAX_ANSWER_MS = 10_000;

/** Where the status is not the code's own (docs/clients.md): a wrong method, too large a body. */
const OTHER_STATUSES: Partial<Record<CodeName, number[]>> = { UNIMPLEMENTED: [405], INVALID_ARGUMENT: [413, 415] };

/** The answers of the HTTP server, or of wrangler's proxy, to a message that is no HTTP or breaks off, before any Worker. */
const SERVERS_OWN =
  /^(501 .*|500 (Internal Server Error|Error: (Network connection lost|Promise will never complete)\..*)?)$/;

/** The fault in the outcome of a request; undefined without one. */
export function brokenRule(request: HostileRequest, outcome: Outcome): string | undefined {
  const { isHttp } = request;
  if (outcome.type === "timeout") return `not answered within ${MAX_ANSWER_MS} ms`;
  // A client that breaks off, or sends no HTTP, need not get an answer.
  if (outcome.type === "brokenOff") return undefined;
  if (outcome.type === "closed") return isHttp ? "the connection was closed without an answer" : undefined;
  const { status, headers, body } = outcome;
  const type = headers.get("content-type");
  const isJson = type === "application/json; charset=UTF-8";
  if (!isHttp && !isJson && (isClientError(status) || SERVERS_OWN.test(`${status} ${body.toString("latin1")}`)))
    return undefined;
  if (status >= 500 && status !== 503) return `status ${status}: ${quoted(body)}`;
  if (status === 204 || status === 304) return body.length === 0 ? undefined : `${status} with a body`;
  if (status === 200 && type?.startsWith("text/event-stream") === true) return brokenEvents(body);
  if (!isJson) return `${status} with Content-Type ${type}: ${quoted(body)}`;
  if (isHead(request) && body.length === 0) return undefined;
  return status < 400 ? brokenJson(body) : brokenError(status, body);
}

/** A POST may stand for it. */
function isHead({ method, headers }: HostileRequest): boolean {
  const overrides = headers.filter(([name]) => name === "X-HTTP-Method-Override").map(([, value]) => value);
  return method === "HEAD" || (method === "POST" && overrides.join(", ") === "HEAD");
}

function isClientError(status: number): boolean {
  return status >= 400 && status < 500;
}

function quoted(body: Buffer): string {
  return JSON.stringify(body.toString("utf8").slice(0, 300));
}

// A body that is no UTF-8 is no JSON.
const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function brokenJson(body: Buffer): string | undefined {
  try {
    const json: unknown = JSON.parse(STRICT.decode(body));
    return typeof json === "object" && json !== null && !isErrorForm(json) ? undefined : `no answer: ${quoted(body)}`;
  } catch (error) {
    return `${String(error)}: ${quoted(body)}`;
  }
}

/** Each event of a watch is JSON in one line. */
function brokenEvents(body: Buffer): string | undefined {
  const whole = body.toString("utf8").split("\n\n").slice(0, -1);
  const data = whole.flatMap((event) => event.split("\n").filter((line) => line.startsWith("data: ")));
  if (data.length === 0 && !whole.some((event) => event.startsWith("event: gone"))) return `no event: ${quoted(body)}`;
  return data.map((line) => brokenJson(Buffer.from(line.slice("data: ".length)))).find((fault) => fault !== undefined);
}

/** AIP-193's error has a `status`. The google.rpc.Status of an operation that failed, which a mask may leave alone, has none. */
function isErrorForm(json: object): boolean {
  const { error } = json as { error?: { status?: unknown } | null };
  return typeof error?.status === "string";
}

interface ErrorBody {
  error: { code: number; message: string; status: CodeName; details: { "@type": string; reason?: string }[] };
}

function brokenError(status: number, body: Buffer): string | undefined {
  let json: ErrorBody;
  try {
    json = JSON.parse(STRICT.decode(body)) as ErrorBody;
  } catch (error) {
    return `${status}, ${String(error)}: ${quoted(body)}`;
  }
  const { error } = json;
  const isKnown = typeof error?.status === "string" && Object.hasOwn(Code, error.status);
  const statuses = isKnown ? [httpStatusByCode[error.status], ...(OTHER_STATUSES[error.status] ?? [])] : [];
  const types = Array.isArray(error?.details) ? error.details.map((detail) => detail["@type"]) : [];
  const isWhole =
    Object.keys(json).join() === "error" &&
    error.code === status &&
    statuses.includes(status) &&
    typeof error.message === "string" &&
    error.message !== "" &&
    types[0] === "type.googleapis.com/google.rpc.ErrorInfo" &&
    /^[A-Z][A-Z0-9_]+$/.test(error.details[0]?.reason ?? "") &&
    new Set(types).size === types.length;
  if (!isWhole) return `${status} without Google's form: ${quoted(body)}`;
  if (/\bat \S+ \(|\.ts:\d+|node_modules/.test(body.toString("utf8"))) return `a stack in the answer: ${quoted(body)}`;
  return undefined;
}
