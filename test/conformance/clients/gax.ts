// The common parts of the clients that are built on google-gax: how they are pointed at the service, and how they show
// operations and errors.
import { createRequire } from "node:module";
import type { OAuth2Client } from "google-auth-library";
import type { Front } from "../front";
import type { Policy, Seen, SeenError } from "../client";

/** Options of any generated client: where it calls, over what, and as whom. */
export function clientOptions({ port }: Front, clientPackage: string) {
  return {
    fallback: true,
    apiEndpoint: "127.0.0.1",
    port,
    protocol: "http",
    authClient: aCaller(clientPackage),
  } as const;
}

/** A caller with a token, by the library that the client itself brings along. */
export function aCaller(clientPackage: string): OAuth2Client {
  const require = createRequire(createRequire(import.meta.url).resolve(clientPackage));
  const library = require("google-auth-library") as { OAuth2Client: new () => OAuth2Client };
  const client = new library.OAuth2Client();
  client.setCredentials({ access_token: "a-token", expiry_date: Date.UTC(2100, 0) });
  return client;
}

interface WireAny {
  type_url?: string | null;
  value?: Uint8Array | string | null;
}

export interface WireOperation {
  name?: string | null;
  done?: boolean | null;
  metadata?: WireAny | null;
  response?: WireAny | null;
  error?: { code?: number | null; message?: string | null } | null;
}

/** The part of protobuf.js that decodes. */
export interface TypeRoot {
  lookupType(name: string): {
    decode(bytes: Uint8Array): object;
    toObject(message: object, options: object): object;
  };
}

/** An operation with its Any's in the client's own types, as its LongrunningDescriptor decodes them. */
export function seenFromWire({ name, done, metadata, response, error }: WireOperation, root: TypeRoot): Seen {
  return {
    name: name ?? "",
    done: done ?? false,
    metadata: decoded(metadata, root),
    response: decoded(response, root),
    error: error ? { code: error.code ?? 0, message: error.message ?? "" } : undefined,
  };
}

function decoded(any: WireAny | null | undefined, root: TypeRoot): object | undefined {
  if (!any) return undefined;
  const type = root.lookupType((any.type_url ?? "").replace("type.googleapis.com/", ""));
  return type.toObject(type.decode(any.value as Uint8Array), { longs: String, enums: String });
}

/** google-gax has google.rpc.Code as a number, and takes the ErrorInfo apart. */
export function seenError(error: unknown): SeenError {
  const { code, reason } = error as { code: number; reason?: string };
  return { code, reason };
}

interface WirePolicy {
  version?: number | null;
  bindings?: unknown;
  etag?: Uint8Array | string | null;
}

/** The etag has been through the client's bytes. */
export function policyFromWire({ version, bindings, etag }: WirePolicy): Policy {
  return {
    version: version ?? 0,
    bindings: (bindings ?? []) as NonNullable<Policy["bindings"]>,
    etag: typeof etag === "string" ? etag : Buffer.from(etag ?? []).toString("base64"),
  };
}
