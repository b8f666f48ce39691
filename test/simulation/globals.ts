// The runtime's globals beside bindings: clock, chance, timers, sockets, answers. All of the simulated world.
import { createHash, createHmac } from "node:crypto";
import { SimulatedSocket, socketPair } from "./sockets";
import type { World } from "./world";

let world: World | undefined;

/** The world in which the code of the service runs from now on; undefined: none. */
export function enter(next: World | undefined): void {
  world = next;
}

/** The world that code of the service, and handlers in it, run in. */
export function here(): World {
  if (!world) throw new Error("code of the service runs outside a simulated world");
  return world;
}

interface Timer {
  isCleared: boolean;
}

class SimulatedResponse {
  readonly status: number;
  readonly ok: boolean;
  readonly webSocket: SimulatedSocket | null;
  readonly body: unknown;
  readonly headers: Headers;

  constructor(
    body: unknown,
    {
      status = 200,
      webSocket = null,
      headers = {},
    }: { status?: number; webSocket?: SimulatedSocket | null; headers?: Record<string, string> } = {},
  ) {
    this.body = body;
    this.headers = new Headers(headers);
    this.status = status;
    this.ok = status >= 200 && status < 300;
    this.webSocket = webSocket;
  }

  static json(value: unknown, init: { headers?: Record<string, string> } = {}): SimulatedResponse {
    return new SimulatedResponse(JSON.stringify(value), init);
  }

  /** As in the runtime, a body is read in a later turn of the event loop. */
  async text(): Promise<string> {
    await new Promise<void>((resolve) => {
      const { scheduler } = here();
      scheduler.after(0, scheduler.current, resolve);
    });
    if (typeof this.body === "string") return this.body;
    let text = "";
    for await (const part of this.body as AsyncIterable<Uint8Array>) text += new TextDecoder().decode(part);
    return text;
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }
}

const digests = new Map<string, ArrayBuffer>();

function digest(bytes: Uint8Array): ArrayBuffer {
  const key = Buffer.from(bytes).toString("latin1");
  let known = digests.get(key);
  if (!known) {
    const hash = createHash("sha256").update(bytes).digest();
    known = hash.buffer.slice(hash.byteOffset, hash.byteOffset + hash.byteLength);
    if (digests.size > 10_000) digests.clear();
    digests.set(key, known);
  }
  return known;
}

/** Puts the simulated world in the place of the real one, for good: the process does nothing else. */
export function replaceGlobals(): void {
  const timer = (run: () => void, ms: number, repeats: boolean): Timer => {
    const { scheduler } = here();
    const actor = scheduler.current;
    const entry: Timer = { isCleared: false };
    const ring = (): void => {
      if (entry.isCleared) return;
      if (repeats) scheduler.after(ms, actor, ring);
      run();
    };
    scheduler.after(ms, actor, ring);
    return entry;
  };
  const clear = (entry: Timer | undefined): void => {
    if (entry) entry.isCleared = true;
  };
  const replacements = {
    setTimeout: (run: () => void, ms = 0) => timer(run, ms, false),
    setInterval: (run: () => void, ms = 0) => timer(run, ms, true),
    clearTimeout: clear,
    clearInterval: clear,
    WebSocket: SimulatedSocket,
    WebSocketPair: function WebSocketPair() {
      return socketPair(here());
    },
    WebSocketRequestResponsePair: class {
      readonly request: string;
      readonly response: string;
      constructor(request: string, response: string) {
        this.request = request;
        this.response = response;
      }
    },
    Response: SimulatedResponse,
    fetch: (uri: string, init: never) => here().receivers.post(uri, init),
  };
  for (const [name, value] of Object.entries(replacements)) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  }
  Date.now = () => here().scheduler.clock();
  Math.random = () => here().random.next();
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => here().random.below(16).toString(16)).join("");
  Object.defineProperty(crypto, "randomUUID", { value: () => hex(32) });
  Object.defineProperty(crypto, "getRandomValues", {
    value: (bytes: Uint8Array) => bytes.map(() => here().random.below(256)),
  });
  Object.defineProperty(crypto.subtle, "digest", {
    value: (_algorithm: string, bytes: Uint8Array) => Promise.resolve(digest(bytes)),
  });
  // The receivers themselves say when a try has taken too long.
  AbortSignal.timeout = () => new AbortController().signal;
  Object.defineProperty(crypto.subtle, "importKey", {
    value: (_format: string, bytes: Uint8Array) => Promise.resolve(bytes),
  });
  Object.defineProperty(crypto.subtle, "sign", {
    value: (_algorithm: string, key: Uint8Array, content: Uint8Array) =>
      Promise.resolve(createHmac("sha256", key).update(content).digest()),
  });
  for (const level of ["log", "info", "warn", "error"] as const) {
    console[level] = (...parts: unknown[]) => world?.logged(level, parts);
  }
}
