// The parts of the web platform that the client uses. They are declared here, so that the client compiles with the types of
// browsers, Workers or Node, and without any.

/** An AbortSignal, as far as the client needs it. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** The request that the client makes. `body`, `signal` and `duplex` are of the platform's own types. */
export interface FetchInit {
  method: string;
  headers: Record<string, string>;
  body: never;
  signal: never;
  duplex: never;
}

/** A Response, as far as the client needs it. */
export interface ResponseLike {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
  /** A ReadableStream of bytes, where the platform's `fetch` gives one. */
  readonly body?: unknown;
}

/** The reader of a ReadableStream of bytes, as far as the client needs it. */
export interface ReaderLike {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

/** The platform's `fetch`, or a function with its meaning: a service binding's, or a test's. */
export type FetchLike = (url: string, init: FetchInit) => Promise<ResponseLike>;

/** The time. Tests replace it. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(this: void): number;
  /** Runs a function later. The returned function cancels it. */
  after(this: void, ms: number, run: () => void): () => void;
}

interface Platform {
  fetch: FetchLike;
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  AbortController: new () => { readonly signal: AbortSignalLike; abort(reason?: unknown): void };
  TextDecoder: new () => { decode(bytes?: Uint8Array, options?: { stream: boolean }): string };
  crypto: { getRandomValues(bytes: Uint8Array): Uint8Array };
}

const platform = globalThis as unknown as Platform;

/** Looked up at each call, so that a test may replace the global function. A browser's must not have another `this`. */
export const platformFetch: FetchLike = (url, init) => platform.fetch(url, init);

export const platformClock: Clock = {
  now: () => Date.now(),
  after: (ms, run) => {
    const timer = platform.setTimeout(run, ms);
    return () => platform.clearTimeout(timer);
  },
};

export function newAbortController(): InstanceType<Platform["AbortController"]> {
  return new platform.AbortController();
}

export function newTextDecoder(): InstanceType<Platform["TextDecoder"]> {
  return new platform.TextDecoder();
}

/** 128 random bits in hex. `randomUUID` is missing on pages without TLS. */
export function randomId(): string {
  const bytes = platform.crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
