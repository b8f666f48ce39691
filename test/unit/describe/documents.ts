// The documents as a client gets them, and what of them the tests look at.
import { httpDoor } from "../../../src/http/door";
import type { Method } from "../../../src/method/define-method";
import type { JsonObject } from "../../../src/rpc/any";
import { aService } from "../../support/a-service";
import { describedMethods } from "./described-methods";

export const ORIGIN = "https://api.example";

export interface Answer {
  status: number;
  json: JsonObject;
  /** Of an error: the fields that are violated. */
  fields: string[];
  reason: string | undefined;
}

/** The service behind the known routes: everything is allowed, and found. */
export async function call(
  request: { method: string; url: string; headers?: Record<string, string>; body?: string | undefined },
  methods: readonly Method[] = describedMethods,
): Promise<Answer> {
  const { context } = aService();
  const { url, ...init } = request;
  const response = await httpDoor(methods)(new Request(url, init as RequestInit), {
    cors: () => ({ origins: [], credentials: false }),
    checkSetup: async () => [],
    log: () => {},
    service: async () => context,
  });
  const json = (await response.json()) as JsonObject;
  const details = (json["error"] as { details?: JsonObject[] } | undefined)?.details ?? [];
  const violations = details.flatMap((detail) => (detail["fieldViolations"] ?? []) as { field: string }[]);
  const reason = details[0]?.["reason"] as string | undefined;
  return { status: response.status, json, fields: violations.map(({ field }) => field), reason };
}

export async function documentAt(path: string, methods: readonly Method[] = describedMethods): Promise<JsonObject> {
  const { status, json } = await call({ method: "GET", url: `${ORIGIN}${path}` }, methods);
  if (status !== 200) throw new Error(`${path} is answered with ${status}`);
  return json;
}

export interface DiscoveryMethod {
  id: string;
  path: string;
  flatPath: string;
  httpMethod: string;
  parameters: Record<string, { location: string; pattern?: string; type: string }>;
  request?: { $ref: string };
  response: { $ref: string };
  mediaUpload?: { accept: string[] };
}

interface DiscoveryResource {
  methods?: Record<string, DiscoveryMethod>;
  resources?: Record<string, DiscoveryResource>;
}

export function methodsOfDiscovery({ methods = {}, resources = {} }: DiscoveryResource): DiscoveryMethod[] {
  return [...Object.values(methods), ...Object.values(resources).flatMap(methodsOfDiscovery)];
}

export interface OpenApiOperation {
  operationId: string;
  parameters: { $ref?: string; name: string; in: string }[];
  requestBody?: { content: Record<string, { schema: { $ref?: string } }> };
}

export function operationsOfOpenApi(document: JsonObject) {
  const paths = document["paths"] as unknown as Record<string, Record<string, OpenApiOperation>>;
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
}

/** Every `$ref` in a document. */
export function refsIn(json: unknown): string[] {
  if (typeof json !== "object" || json === null) return [];
  return Object.entries(json).flatMap(([key, value]) => (key === "$ref" ? [String(value)] : refsIn(value)));
}
