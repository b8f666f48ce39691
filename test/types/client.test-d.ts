// The types that a client takes from a method: requests as they are sent, responses and metadata as they arrive.
import { z } from "zod";
import { type MethodClient, OperationsClient } from "../../src/client";
import { defineMethod } from "../../src/index";
import { int32, int64, message, refine, string } from "../../src/protobuf";
import type { JsonObject } from "../../src/rpc/any";
import { type Equal, holds } from "./equal";

const client = new OperationsClient({ baseUrl: "http://localhost:8787", fetch });
const http = { post: "/v1/{parent=projects/*}/tables:count", body: "*" };

const Request = message("example.v1.CountRequest", { parent: string(1, { required: true }), days: int32(2) });
const Response = message("example.v1.CountResponse", { rows: int64(1, { required: true }) });
const Metadata = message("example.v1.CountMetadata", { counted: int32(1, { required: true }) });

const declared = defineMethod({
  http,
  request: Request,
  responseType: Response,
  metadataType: Metadata,
  run: async () => ({ rows: "5" }),
});
const refined = defineMethod({ http, request: refine(Request, () => new Date(0)), run: async () => ({}) });
const withZod = defineMethod({
  http,
  request: z.strictObject({
    parent: z.string(),
    days: z.number().default(7),
    from: z.iso.date().transform((text) => new Date(text)),
  }),
  run: async ({ from }) => ({ from, days: from.getDate() }),
});
const withDecoder = defineMethod({ http, request: (json: JsonObject) => json["days"], run: async () => ({ days: 1 }) });

const byMethod = client.method(declared);
holds<Equal<typeof byMethod, MethodClient<{ parent: string; days?: number }, { rows: string }, { counted: number }>>>();
const byBinding = client.method<typeof declared>({ http });
holds<Equal<typeof byBinding, typeof byMethod>>();
const ofZod = client.method<typeof withZod>({ http });
holds<
  Equal<
    typeof ofZod,
    MethodClient<
      { parent: string; from: string; days?: number | undefined },
      { from: string; days: number },
      JsonObject
    >
  >
>();
const ofRefined = client.method(refined);
holds<Equal<Parameters<typeof ofRefined.start>[0], { parent: string; days?: number }>>();
const ofDecoder = client.method(withDecoder);
holds<Equal<typeof ofDecoder, MethodClient<JsonObject, { days: number }, JsonObject>>>();

export async function uses(): Promise<void> {
  // @ts-expect-error a request without what is required
  await byMethod.start({ days: 1 });
  const operation = await byMethod.start({ parent: "projects/p" }, { signal: AbortSignal.timeout(5) });
  const { rows } = await operation.result({
    onProgress: ({ counted }) => holds<Equal<typeof counted, number | undefined>>(),
  });
  holds<Equal<typeof rows, string>>();
  const resumed = client.operation<typeof declared>(operation.name);
  holds<Equal<typeof resumed, typeof operation>>();
  for await (const listed of client.list("projects/p")) holds<Equal<typeof listed.response, JsonObject | undefined>>();
}
