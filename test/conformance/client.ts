// The calls that the scenarios make of a client; clients/ has one adapter each, which calls the real client and nothing else.
import type { Any } from "./service";

/** An operation as a client understood it. Any is decoded to the fields of its message, and has no `@type` there. */
export interface Seen {
  name: string;
  done: boolean;
  metadata: object | undefined;
  response: object | undefined;
  error: { code: number; message: string } | undefined;
}

export interface Policy {
  version?: number;
  bindings?: { role: string; members: string[] }[];
  /** In base64, as it is in JSON. */
  etag?: string;
}

/** An error as a client shows it. */
export interface SeenError {
  /** The name in google.rpc.Code, or the number that the client has in its place. */
  code: string | number;
  reason: string | undefined;
}

export interface ListRequest {
  parent: string;
  filter: string;
  pageSize: number;
}

/** A client with the types it was made for. */
export interface Client {
  /** The column of the table in README.md. */
  name: string;
  /** Where it looks for operations: a collection of its API. */
  parent: string;
  /** Messages that the client knows; every mark gives another, and `filter` finds it. */
  metadata: (mark: number) => Any;
  filter: (mark: number) => string;
  response: Any;

  get: (name: string) => Promise<Seen>;
  list?: (request: ListRequest) => Promise<Seen[]>;
  cancel?: (name: string) => Promise<unknown>;
  delete?: (name: string) => Promise<unknown>;
  wait?: (name: string, timeout: string) => Promise<Seen>;
  getIamPolicy?: (resource: string) => Promise<Policy>;
  setIamPolicy?: (resource: string, policy: Policy) => Promise<Policy>;
  testIamPermissions?: (resource: string, permissions: string[]) => Promise<string[]>;
  /** How it shows an error. */
  seenError: (error: unknown) => SeenError;
  /** Starts google.showcase.v1beta1.Echo.Wait, as a generated client does. */
  echo?: EchoClient;
  /** Whether it asks again by itself where the service sheds load. */
  retriesUnavailable: boolean;
}

export interface EchoRequest {
  ttl: { seconds: number; nanos?: number };
  success?: { content: string };
  error?: { code: number; message: string };
}

/** The parts of google-gax's Operation that users use. */
export interface EchoOperation {
  name?: string;
  metadata: unknown;
  promise(): Promise<[unknown, unknown, unknown]>;
  cancel(): Promise<unknown>;
  on(event: "progress", listener: (metadata: unknown) => void): unknown;
}

export interface EchoClient {
  /** `script`: what the service is to do instead (docs/emulation.md), in a header of the call. */
  wait(request: EchoRequest, script?: object): Promise<EchoOperation>;
  /** The checkXProgress of generated clients: the operation by its name. */
  checkWaitProgress(name: string): Promise<EchoOperation>;
}
