// Apiary clients, generated from discovery documents: Cloud Run's projects.locations.operations has wait, that of Cloud
// Workstations has cancel; get, list and delete are the same code. Service Usage has operations without a parent.
import { auth, run } from "@googleapis/run";
import { serviceusage } from "@googleapis/serviceusage";
import { workstations } from "@googleapis/workstations";
import type { Client, Seen } from "../client";
import type { Front } from "../front";
import type { Any } from "../service";

interface JsonOperation {
  name?: string | null;
  done?: boolean | null;
  metadata?: Record<string, unknown> | null;
  response?: Record<string, unknown> | null;
  error?: { code?: number | null; message?: string | null } | null;
}

interface JsonList {
  operations?: JsonOperation[];
  nextPageToken?: string | null;
}

/** The parts that all of them have. */
interface ApiaryOperations {
  get(request: { name: string }): Promise<{ data: JsonOperation }>;
  list(request: object): Promise<{ data: JsonList }>;
  cancel(request: { name: string }): Promise<unknown>;
  delete(request: { name: string }): Promise<unknown>;
}

export function apiary(front: Front): Client {
  const rootUrl = `${front.url}/`;
  const { operations } = run({ version: "v1", rootUrl, auth: aCaller() }).projects.locations;
  const { operations: cancellable } = workstations({ version: "v1", rootUrl, auth: aCaller() }).projects.locations;
  return {
    ...operationsClient({
      get: (request) => operations.get(request),
      list: (request) => operations.list(request),
      cancel: (request) => cancellable.cancel(request),
      delete: (request) => operations.delete(request),
    }),
    name: "@googleapis/run, workstations",
    parent: "projects/conformance/locations/there",
    async wait(name, timeout) {
      const { data } = await operations.wait({ name, requestBody: { timeout } });
      return seenFromJson(data);
    },
  };
}

export function rootApiary(front: Front): Client {
  const { operations } = serviceusage({ version: "v1", rootUrl: `${front.url}/`, auth: aCaller() });
  return { ...operationsClient(operations), name: "@googleapis/serviceusage", parent: "" };
}

/** As whom they call. The packages share their HTTP library; only its types differ. */
function aCaller() {
  const caller = new auth.OAuth2();
  caller.setCredentials({ access_token: "a-token", expiry_date: Date.UTC(2100, 0) });
  return caller as never;
}

function operationsClient(operations: ApiaryOperations): Omit<Client, "name" | "parent"> {
  return {
    metadata: (mark) => ({ "@type": "type.googleapis.com/google.cloud.run.v1.OperationMetadata", target: `t-${mark}` }),
    filter: (mark) => `metadata.target = "t-${mark}"`,
    response: { "@type": "type.googleapis.com/google.cloud.run.v1.Service", kind: "Service" },
    async get(name) {
      const { data } = await operations.get({ name });
      return seenFromJson(data);
    },
    async list({ parent, filter, pageSize }) {
      const listed: Seen[] = [];
      let pageToken: string | undefined;
      do {
        const name = parent === "" ? {} : { name: parent };
        const { data } = await operations.list({ ...name, filter, pageSize, ...(pageToken ? { pageToken } : {}) });
        listed.push(...(data.operations ?? []).map((operation) => seenFromJson(operation)));
        pageToken = data.nextPageToken ?? undefined;
      } while (pageToken);
      return listed;
    },
    cancel: (name) => operations.cancel({ name }),
    delete: (name) => operations.delete({ name }),
    seenError(error) {
      const { response } = error as {
        response?: { data?: { error?: { status: string; details: (Any & { reason?: string })[] } } };
      };
      const { status = "", details = [] } = response?.data?.error ?? {};
      return { code: status, reason: details.find((detail) => detail["@type"].endsWith("ErrorInfo"))?.reason };
    },
    retriesUnavailable: true,
  };
}

function seenFromJson({ name, done, metadata, response, error }: JsonOperation): Seen {
  return {
    name: name ?? "",
    done: done ?? false,
    metadata: fieldsOf(metadata),
    response: fieldsOf(response),
    error: error ? { code: error.code ?? 0, message: error.message ?? "" } : undefined,
  };
}

/** The Any's fields, without its type. */
function fieldsOf(any: Record<string, unknown> | null | undefined): object | undefined {
  if (!any) return undefined;
  const { "@type": _type, ...fields } = any;
  return fields;
}
