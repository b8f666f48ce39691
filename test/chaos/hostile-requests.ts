// Requests as nobody should send them: one of the served routes, right in most of its parts, and wrong in some. The same
// seed and number give the same request, but for the names of the operations that it is about.
import { type Random, randomFromSeed } from "../support/random.ts";
import { hostileFilter, hostileJson, hostileText, idSegment, jsonOfSchema, plausibleText } from "./hostile-values.ts";
import type { Schema, Served, ServedRoute } from "./served-routes.ts";

export interface HostileRequest {
  index: number;
  method: string;
  /** Path and query as they stand in the request line. */
  target: string;
  headers: [name: string, value: string][];
  body: Buffer;
  framing: Framing;
  /** Whether HTTP allows it: what it does not allow, the HTTP server may refuse in words of its own. */
  isHttp: boolean;
}

/** How the body's length is told; after the first three, there is less or more than was told. */
type Framing = "none" | "length" | "chunked" | "tooShort" | "cutChunk" | "brokenChunk";

/** Operations that there are: some run, and some are done. */
export interface Targets {
  running: readonly string[];
  done: readonly string[];
}

/** Of a longer URL, Workers are not told. */
const MAX_TARGET_BYTES = 16_000;
/** More content of a GET than this does not go into a connection's buffers. */
const MAX_IGNORED_BYTES = 65_536;
const VERSIONS = ["v1", "v1beta1", "ui"];
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** Every number has randomness of its own: one request is repeated without those before it. */
export function hostileRequest(seed: number, index: number, served: Served, targets: Targets): HostileRequest {
  const random = randomFromSeed(Math.imul(seed, 0x9e37_79b1) ^ Math.imul(index + 1, 0x85eb_ca6b));
  const route = random.pick(served.routes);
  const request: HostileRequest = {
    index,
    method: route.httpMethod,
    target: `${pathOf(random, route, targets)}${queryOf(random, route)}`,
    headers: [],
    body: Buffer.alloc(0),
    framing: "none",
    isHttp: true,
  };
  if (hasBody(route)) setBody(random, request, route, served);
  for (let tricks = random.pick([0, 0, 1, 1, 1, 2, 3]); tricks > 0; tricks -= 1) random.pick(TRICKS)(random, request);
  boundWaits(request, route);
  if (request.target.length > MAX_TARGET_BYTES || hasContentToIgnore(request)) request.isHttp = false;
  return request;
}

/** "… might lead some implementations to reject the request and close the connection" (RFC 9110, 9.3.1). */
function hasContentToIgnore({ method, body }: HostileRequest): boolean {
  return (method === "GET" || method === "HEAD") && body.length > MAX_IGNORED_BYTES;
}

function hasBody({ httpMethod }: ServedRoute): boolean {
  return httpMethod === "POST" || httpMethod === "PATCH";
}

// ── Path and query ──────────────────────────────────────────────────────────────────────────────────────────────────

function pathOf(random: Random, { flatPath }: ServedRoute, { running, done }: Targets): string {
  const version = random.chance(0.2) ? random.pick(VERSIONS) : undefined;
  const path = version === undefined ? flatPath : flatPath.replace(/^\/v[^/]*/, `/${version}`);
  const existing = /\{operationsId\}/.test(path) && random.chance(0.6);
  if (existing) {
    // A wait for what runs would rightly take its time.
    const names = path.endsWith(":wait") ? done : [...running, ...done];
    const verb = /:[^:/]*$/.exec(path)?.[0] ?? "";
    return `/${path.split("/")[1]}/${random.pick(names)}${verb}`;
  }
  return path.replaceAll(/\{[^}]+\}/g, (place) => {
    if (place === "{operationsId}") return random.pick(["0".repeat(64), "nobody", encoded(random, idSegment(random))]);
    return encoded(random, idSegment(random));
  });
}

function encoded(random: Random, text: string): string {
  if (random.chance(0.1)) return [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join("");
  return encodeURIComponent(text.toWellFormed());
}

const SYSTEM_PARAMETERS = [
  "alt",
  "fields",
  "prettyPrint",
  "$fields",
  "key",
  "access_token",
  "quotaUser",
  "$.xgafv",
  "callback",
];

function queryOf(random: Random, { query, flatPath }: ServedRoute): string {
  const parts = query
    .filter(([name]) => random.chance(name === "filter" || name === "timeout" ? 0.7 : 0.3))
    .map(([name, schema]) => `${name}=${encodeURIComponent(parameterValue(random, name, schema).toWellFormed())}`);
  if (random.chance(0.15))
    parts.push(`${random.pick(SYSTEM_PARAMETERS)}=${encodeURIComponent(hostileText(random).toWellFormed())}`);
  if (random.chance(0.1)) parts.push(`prettyPrint=true`);
  if (random.chance(0.05))
    parts.push(`fields=${encodeURIComponent(random.pick(["name", "operations(name)", "a(b", "*/*", "((("]))}`);
  if (random.chance(0.05)) parts.push(`${encodeURIComponent(hostileText(random).toWellFormed())}=1`);
  if (random.chance(0.05) && parts[0] !== undefined) parts.push(parts[0]);
  // The bare pages are asked for as browsers do.
  return parts.length === 0 || flatPath === "/healthz" ? "" : `?${parts.join("&")}`;
}

function parameterValue(random: Random, name: string, schema: Schema): string {
  if (name === "filter") return random.chance(0.8) ? hostileFilter(random) : hostileText(random);
  if (name === "pageToken")
    return random.chance(0.5) ? Buffer.from(hostileText(random)).toString("base64url") : hostileText(random);
  return random.chance(0.5) ? plausibleText(random, schema) : hostileText(random);
}

// ── Bodies ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const MIB = 1_048_576;
const MAX_JSON_DEPTH = 100;

function setBody(random: Random, request: HostileRequest, route: ServedRoute, served: Served): void {
  const raw = route.accept.length > 0;
  const type = raw ? random.pick(route.accept) : "application/json";
  request.headers.push(["Content-Type", random.chance(0.9) ? type : random.pick(MEDIA_TYPES)]);
  request.body = raw ? rawBody(random) : Buffer.from(jsonBody(random, route, served));
  request.framing = random.chance(0.8) ? "length" : "chunked";
}

const MEDIA_TYPES = [
  "text/plain",
  "text/csv",
  "application/json; charset=utf-16",
  "application/json; charset=UTF-8",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=",
  "application/x-protobuf",
  ";;;",
  "*/*",
  "application/json, text/html",
];

function rawBody(random: Random): Buffer {
  const text = `a,b\n${Array.from({ length: random.below(50) }, (_, row) => `${row},${hostileText(random)}`).join("\n")}`;
  return Buffer.from(random.chance(0.8) ? text : hostileText(random));
}

function jsonBody(random: Random, { request }: ServedRoute, served: Served): string {
  if (random.chance(0.05))
    return nested(random, random.pick([MAX_JSON_DEPTH - 1, MAX_JSON_DEPTH, MAX_JSON_DEPTH + 1, 5_000, 100_000]));
  if (random.chance(0.05)) return hostileJson(random);
  if (random.chance(0.05))
    return random.pick([
      "",
      " ",
      "null",
      "[]",
      "{",
      "{}}",
      "{}{}",
      "//\n{}",
      '{"a":1,}',
      "{'a':1}",
      "\ufeff{}",
      '{"a":\u0000}',
    ]);
  const hostility = random.pick([0, 0.05, 0.2]);
  return jsonOfSchema(random, served, request === undefined ? {} : { $ref: request }, hostility);
}

function nested(random: Random, depth: number): string {
  const [open, inner, close] = random.pick([
    ["[", "", "]"],
    ['{"a":', "1", "}"],
    ['{"operation":', "{}", "}"],
    ['{"metadata":{"@type":"type.googleapis.com/google.protobuf.Struct","value":', "{}", "}}"],
  ] as const);
  return open.repeat(depth) + inner + (random.chance(0.8) ? close.repeat(depth) : "");
}

// ── Tricks ──────────────────────────────────────────────────────────────────────────────────────────────────────────

type Trick = (random: Random, request: HostileRequest) => void;

const CREDENTIALS = [
  "Bearer",
  "Bearer ",
  "Bearer a.b.c",
  "Bearer eyJhbGciOiJub25lIn0.e30.",
  "Basic YTpi",
  "bearer \u00ff",
  "Negotiate x",
];

const HEADERS: [name: string, values: readonly string[]][] = [
  [
    "X-HTTP-Method-Override",
    ["GET", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "get", " ", "GET, DELETE", "\u00ff", "x".repeat(3_000)],
  ],
  ["Authorization", CREDENTIALS],
  ["X-Goog-Api-Key", ["", "x", "k".repeat(5_000)]],
  ["X-Goog-FieldMask", ["*", "name", "a.b.c", "a(", "((", ",,,", "x".repeat(5_000)]],
  [
    "Prefer",
    [
      "wait=0",
      "wait=1",
      "wait=-1",
      "wait=x",
      "wait",
      "respond-async, wait=0",
      "wait=0; wait=0",
      ",;=",
      "=".repeat(2_000),
    ],
  ],
  ["If-Match", ["*", '"x"', "x", 'W/"x"', '"', ",", '"\u00e9"']],
  ["If-None-Match", ["*", '"x"', 'W/"x", "y"', '"', ",".repeat(1_000)]],
  ["Accept", ["text/html", "application/x-protobuf", "", ";q=2"]],
  ["Accept-Encoding", ["gzip", "br", "br;q=0", "gzip;q=x"]],
  ["Content-Encoding", ["gzip", "br", "x"]],
  ["Origin", ["null", "https://evil.example", "x", "\u00ff"]],
  ["Access-Control-Request-Method", ["PUT", "x y", ""]],
  ["Access-Control-Request-Headers", ["x", ",".repeat(500)]],
  ["Range", ["bytes=0-0", "bytes=5-1"]],
  ["Cookie", ["a=b; ".repeat(200), "\u00ff"]],
  ["X-Forwarded-Host", ["evil.example"]],
  ["Forwarded", ["for=x;host=evil.example"]],
  ["CF-Connecting-IP", ["not an address", "::1"]],
  ["CF-Ray", ["", "x".repeat(2_000), "\u00ff"]],
  ["Expect", ["100-continue"]],
];

const RAW_TARGETS = [
  "%",
  "%zz",
  "%e0%a4",
  "%ff",
  "%00",
  "//",
  "/./",
  "/../",
  ";a=b",
  "#x",
  "?",
  "??",
  "&&&",
  "=",
  "%2F",
  "%3A",
  "%25%32%46",
  "+",
];

const TRICKS: readonly Trick[] = [
  (random, request) => {
    const [name, values] = random.pick(HEADERS);
    request.headers.push([name, random.pick(values)]);
  },
  (random, request) => {
    const [name, values] = random.pick(HEADERS);
    request.headers.push([name, random.pick(values)], [name, random.pick(values)]);
  },
  // Header values may be any bytes but a few.
  (random, request) => {
    const text = hostileText(random).replaceAll(/[^\t\u0020-\u007e\u0080-\u00ff]/g, "?");
    request.headers.push([`X-${random.below(1_000)}`, text.slice(0, 2_000)]);
  },
  (random, request) => {
    for (let count = random.pick([20, 50, 100]); count > 0; count -= 1) request.headers.push([`X-Many-${count}`, "x"]);
  },
  // The rest of a target in which a foreign character was put.
  (random, request) => {
    const at = 1 + random.below(request.target.length);
    request.target = request.target.slice(0, at) + random.pick(RAW_TARGETS) + request.target.slice(at);
  },
  (random, request) => {
    const at = 1 + random.below(request.target.length);
    request.target = request.target.slice(0, at) + request.target.slice(at + 1 + random.below(5));
  },
  (random, request) => {
    request.target += random.pick(["/", "/operations", ":cancel", ":x", "/x".repeat(200), `/${"x".repeat(5_000)}`]);
  },
  (random, request) => {
    request.method = random.pick(METHODS);
  },
  // Bodies that are no JSON, no UTF-8, or not what they say.
  (random, request) => {
    if (request.framing === "none") return;
    const at = random.below(request.body.length + 1);
    const bytes = random.pick([
      [0xff],
      [0xc0, 0x80],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0x00],
      [0xef, 0xbb, 0xbf],
      [0xe9],
    ]);
    request.body = Buffer.concat([request.body.subarray(0, at), Buffer.from(bytes), request.body.subarray(at)]);
  },
  (random, request) => {
    if (request.framing === "none") return;
    request.body = random.chance(0.5)
      ? request.body.subarray(0, random.below(request.body.length + 1))
      : Buffer.from(request.body.toString("utf8"), "utf16le");
  },
  (random, request) => {
    if (request.framing === "none" || !random.chance(0.1)) return;
    const padding = Buffer.alloc(random.pick([MIB - 1, MIB, MIB + 1, 2 * MIB]), random.pick([" ", "a", "["]));
    request.body = Buffer.concat(random.chance(0.5) ? [request.body, padding] : [padding, request.body]);
  },
  // A body where none belongs.
  (random, request) => {
    if (request.framing !== "none") return;
    request.body = Buffer.from(hostileJson(random));
    request.framing = random.chance(0.5) ? "length" : "chunked";
  },
  // Messages that are no HTTP.
  (random, request) => {
    if (!random.chance(0.3)) return;
    request.isHttp = false;
    random.pick(BREAKS)(random, request);
  },
];

const BREAKS: readonly Trick[] = [
  (random, request) => {
    request.framing = random.pick(["tooShort", "cutChunk", "brokenChunk"]);
    if (request.body.length === 0) request.body = Buffer.from('{"a":');
  },
  (random, request) => {
    request.method = random.pick(["FOO", "get", "", "PO ST", "TRACE", "CONNECT", "X".repeat(500)]);
  },
  (random, request) => {
    request.target = random.pick([
      "*",
      "",
      "x",
      "http://",
      "http://evil.example/v1/operations",
      `${request.target} x`,
      `${request.target}\u00ff\u0001`,
    ]);
  },
  (random, request) => {
    request.headers.push(
      random.pick([
        ["", "x"],
        ["X Y", "x"],
        ["X-Null", "a\u0000b"],
        ["X-Fold", "a\r\n b"],
        ["X-Large", "x".repeat(200_000)],
      ] as const) as [string, string],
    );
  },
  (random, request) => {
    request.headers.push(
      random.pick([
        ["Content-Length", "-1"],
        ["Content-Length", "x"],
        ["Content-Length", "99999999999999999999"],
        ["Transfer-Encoding", "gzip"],
        ["Transfer-Encoding", "chunked, chunked"],
        ["Host", "evil.example"],
        ["Upgrade", "websocket"],
      ] as const) as [string, string],
    );
  },
];

// ── Bounds ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A random request that is a wait for a running operation would rightly take its whole time. */
function boundWaits(request: HostileRequest, { flatPath }: ServedRoute): void {
  if (!/:wait/.test(request.target) || flatPath.endsWith("echo:wait")) return;
  if (!/[?&]timeout=/.test(request.target))
    request.target += `${request.target.includes("?") ? "&" : "?"}timeout=0.05s`;
}

/** Whether more of it is told of than comes: a body that is no chunks, too, under a header that says so. */
export function isCutShort({ framing, headers }: HostileRequest): boolean {
  const isCalledChunked = headers.some(([name, value]) => name === "Transfer-Encoding" && value.startsWith("chunked"));
  return framing === "tooShort" || framing === "cutChunk" || (isCalledChunked && framing !== "chunked");
}

/** The request as it goes over the wire; each character of target and headers is one byte. */
export function bytesOf({ method, target, headers, body, framing }: HostileRequest, host: string): Buffer {
  const lines = [
    `${method} ${target} HTTP/1.1`,
    `Host: ${host}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  const length = framing === "tooShort" ? body.length + 10 : body.length;
  if (framing === "length" || framing === "tooShort") lines.push(`Content-Length: ${length}`);
  else if (framing !== "none") lines.push("Transfer-Encoding: chunked");
  const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  return Buffer.concat([head, framedBody(body, framing)]);
}

function framedBody(body: Buffer, framing: Framing): Buffer {
  const size = (bytes: number): Buffer => Buffer.from(`${bytes.toString(16)}\r\n`);
  switch (framing) {
    case "none":
    case "length":
    case "tooShort":
      return body;
    case "chunked": {
      const half = Math.floor(body.length / 2);
      const chunks = [body.subarray(0, half), body.subarray(half)].filter(({ length }) => length > 0);
      const parts = chunks.flatMap((chunk) => [size(chunk.length), chunk, Buffer.from("\r\n")]);
      return Buffer.concat([...parts, Buffer.from("0\r\n\r\n")]);
    }
    case "cutChunk":
      return Buffer.concat([size(body.length + 10), body]);
    case "brokenChunk":
      return Buffer.concat([Buffer.from("zz\r\n"), body, Buffer.from("\r\n0\r\n\r\n")]);
  }
}
