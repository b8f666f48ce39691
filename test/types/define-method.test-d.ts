// The types that defineMethod infers: a handler needs no types of its own, and a wrong one does not compile.
import * as v from "valibot";
import { z } from "zod";
import { type Method, type OperationContext, defineMethod, operations } from "../../src/index";
import { enumType } from "../../src/protobuf/enum-type";
import { enumeration, int32, int64, repeated, string } from "../../src/protobuf/fields";
import { message } from "../../src/protobuf/message";
import { refine } from "../../src/protobuf/refine";
import type { Json, JsonObject } from "../../src/rpc/any";
import { type Equal, holds } from "./equal";

const http = { post: "/v1/{parent=projects/*}/tables:count", body: "*" };

const Format = enumType("example.v1.Format", { FORMAT_UNSPECIFIED: 0, CSV: 1 });
const Request = message("example.v1.CountRequest", {
  parent: string(1, { required: true }),
  format: enumeration(2, Format),
});
const Response = message("example.v1.CountResponse", {
  rows: int64(1, { required: true }),
  format: enumeration(2, Format),
  names: repeated(string(3)),
});
const Metadata = message("example.v1.CountMetadata", { counted: int32(1, { required: true }), of: int32(2) });

// ── Declared messages ───────────────────────────────────────────────────────────────────────────────────────────────

export const declared: Method = defineMethod({
  http,
  request: Request,
  responseType: Response,
  metadataType: Metadata,
  initialMetadata: (request, { createTime }) => {
    holds<Equal<typeof request, { parent: string; format?: "FORMAT_UNSPECIFIED" | "CSV" }>>();
    holds<Equal<typeof createTime, Date>>();
    return { counted: 0 };
  },
  immediate: (request) => (request.parent === "" ? { response: { rows: "0" } } : undefined),
  async run(request, op) {
    holds<Equal<typeof request, { parent: string; format?: "FORMAT_UNSPECIFIED" | "CSV" }>>();
    holds<Equal<typeof op, OperationContext<{ counted: number; of?: number }>>>();
    const rows = await op.step("count", () => 5);
    holds<Equal<typeof rows, number>>();
    const name = await op.step("name", async () => ({ name: request.parent }));
    holds<Equal<typeof name, { name: string }>>();
    holds<Equal<typeof op.resumeFrom, Json | undefined>>();
    op.progress({ counted: rows });
    op.progress({ of: 5, statusMessage: "Counting." });
    await op.checkpoint({ row: rows });
    await op.sleep("90s");
    return { rows: String(rows), format: "CSV", names: [name.name] };
  },
});

defineMethod({
  http,
  request: Request,
  responseType: Response,
  // @ts-expect-error a response without what is required
  run: async () => ({ names: [] }),
});
defineMethod({
  http,
  request: Request,
  responseType: Response,
  // @ts-expect-error a response with a field of another type
  run: async (request) => ({ rows: request.parent.length }),
});
defineMethod({
  http,
  request: Request,
  responseType: Response,
  // @ts-expect-error a value that the enum does not have
  run: async () => ({ rows: "5", format: "TSV" }),
});
defineMethod({
  http,
  request: Request,
  responseType: Response,
  // @ts-expect-error no response at all
  run: async () => {},
});
defineMethod({
  http,
  request: Request,
  responseType: Response,
  // @ts-expect-error a result known at once, of another type
  immediate: () => ({ response: { rows: 5 } }),
  run: async () => ({ rows: "5" }),
});
defineMethod({
  http,
  request: Request,
  metadataType: Metadata,
  // @ts-expect-error metadata without what is required
  initialMetadata: () => ({ of: 5 }),
  run: async () => ({}),
});
defineMethod({
  http,
  request: Request,
  metadataType: Metadata,
  async run(request, op) {
    // @ts-expect-error a request has no such field
    const { rows } = request;
    // @ts-expect-error progress of another type
    op.progress({ counted: "5" });
    // @ts-expect-error progress that the metadata has no field for
    op.progress({ done: 5 });
    // @ts-expect-error a status message that is no string
    op.progress({ statusMessage: 5 });
    // @ts-expect-error a duration without a unit
    await op.sleep("90");
    return { rows };
  },
});

// ── Other schemas ───────────────────────────────────────────────────────────────────────────────────────────────────

export const withZod = defineMethod({
  http,
  request: z.strictObject({ parent: z.string(), days: z.coerce.number().default(7) }),
  async run(request, op) {
    holds<Equal<typeof request, { parent: string; days: number }>>();
    holds<Equal<typeof op, OperationContext>>();
    op.progress({ anything: [1, "two", { three: null }] });
    // @ts-expect-error no JSON
    op.progress({ when: new Date() });
    return { days: request.days };
  },
});

export const withValibot = defineMethod({
  http,
  request: v.strictObject({ parent: v.string(), days: v.optional(v.number(), 7) }),
  async run(request) {
    holds<Equal<typeof request, { parent: string; days: number }>>();
    return { days: request.days };
  },
});

export const withRefinedMessage = defineMethod({
  http,
  request: refine(Request, ({ parent }) => new URL(parent)),
  async run(request) {
    holds<Equal<typeof request, URL>>();
    return { host: request.host };
  },
});

export const withDecoder = defineMethod({
  http,
  request: async (json: JsonObject) => ({ days: Number(json["days"]) }),
  async run(request) {
    holds<Equal<typeof request, { days: number }>>();
    return { days: request.days };
  },
});

export const withNamesOnly = defineMethod({
  http,
  request: Request,
  responseType: "example.v1.CountResponse",
  metadataType: "example.v1.CountMetadata",
  initialMetadata: () => ({ counted: 0 }),
  async run(_request, op) {
    // Where metadata is declared by its name, its type is that of its first value.
    holds<Equal<typeof op, OperationContext<{ counted: number }>>>();
    return { rows: "5" };
  },
});

interface CountMetadata {
  counted: number;
  of?: number;
}

export const withTypedContext = defineMethod({
  http,
  request: Request,
  metadataType: "example.v1.CountMetadata",
  initialMetadata: () => ({ counted: 0 }),
  async run(_request, op: OperationContext<CountMetadata>) {
    op.progress({ of: 1 });
    return { rows: "5" };
  },
});

// ── The deployment ──────────────────────────────────────────────────────────────────────────────────────────────────

export default operations({
  methods: [declared, withZod, withValibot, withRefinedMessage, withDecoder, withNamesOnly, withTypedContext],
  locations: [{ locationId: "europe-west1", labels: { continent: "europe" }, jurisdiction: "eu" }],
});

// @ts-expect-error a binding to no path
defineMethod({ http: {}, request: Request, run: async () => ({}) });
// @ts-expect-error a method without a request schema
defineMethod({ http, run: async () => ({}) });
// @ts-expect-error a duration without a unit
defineMethod({ http, request: Request, timeout: "10", run: async () => ({}) });
// @ts-expect-error an option that there is not
defineMethod({ http, request: Request, retries: 5, run: async () => ({}) });
