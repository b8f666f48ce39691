// The inferred type of a method's request: from a decoder, a Standard Schema, a declared message.
import type { InferRequest, RequestSchema } from "../../src/method/request-schema";
import { decodeRequest } from "../../src/method/request-schema";
import { int32, string } from "../../src/protobuf/fields";
import { message } from "../../src/protobuf/message";
import { refine } from "../../src/protobuf/refine";
import type { StandardSchemaV1 } from "../../src/protobuf/standard-schema";
import type { JsonObject } from "../../src/rpc/any";
import { type Equal, holds } from "./equal";

type Table = { name: string; rows?: number };

const decoder = (json: JsonObject) => ({ name: JSON.stringify(json["name"]) });
const asyncDecoder = async (json: JsonObject) => ({ name: JSON.stringify(json["name"]) });
holds<Equal<InferRequest<typeof decoder>, { name: string }>>();
holds<Equal<InferRequest<typeof asyncDecoder>, { name: string }>>();

/** As zod has it: what comes in is not what comes out, and there is more to a schema than the standard's part. */
interface ZodLike<Output, Input> extends StandardSchemaV1<Input, Output> {
  parse(input: unknown): Output;
}
declare const zodLike: ZodLike<{ when: Date }, { when: string }>;
holds<Equal<InferRequest<typeof zodLike>, { when: Date }>>();

/** As ArkType has it: a schema that is a function. */
declare const arkLike: ((input: unknown) => "out" | Error) & StandardSchemaV1<string, { name: string }>;
holds<Equal<InferRequest<typeof arkLike>, { name: string }>>();

const Table = message("example.v1.Table", { name: string(1, { required: true }), rows: int32(2) });
holds<Equal<InferRequest<typeof Table>, Table>>();

const refined = refine(Table, (table, violate) => {
  holds<Equal<typeof table, Table>>();
  if (table.rows === 0) violate(["rows"], "must be positive");
  return new Map([[table.name, table]]);
});
holds<Equal<InferRequest<typeof refined>, Map<string, Table>>>();

export async function decoded() {
  holds<Equal<typeof fromDecoder, { name: string }>>();
  const fromDecoder = await decodeRequest(decoder, {});
  holds<Equal<typeof fromZod, { when: Date }>>();
  const fromZod = await decodeRequest(zodLike, {});
  holds<Equal<typeof fromMessage, Table>>();
  const fromMessage = await decodeRequest(Table, {});
  return [fromDecoder, fromZod, fromMessage];
}

export const schemas: RequestSchema<Table>[] = [Table, () => ({ name: "n" }), async () => ({ name: "n", rows: 1 })];
// @ts-expect-error a decoder of something else
schemas.push(() => ({ name: 5 }));
// @ts-expect-error a schema of something else
schemas.push(zodLike);
// @ts-expect-error no schema
schemas.push({ type: "object" });
