// The type of a step's result: what JSON makes of what the step's function gave.
import type { Json, JsonObject } from "../../src/rpc/any";
import type { OperationContext } from "../../src/index";
import type { JsonOf } from "../../src/method/json-of";
import { type Equal, holds } from "./equal";

// A JSON type stays exactly as it is.
holds<Equal<JsonOf<string>, string>>();
holds<Equal<JsonOf<"a" | "b">, "a" | "b">>();
holds<Equal<JsonOf<42>, 42>>();
holds<Equal<JsonOf<boolean>, boolean>>();
holds<Equal<JsonOf<null>, null>>();
holds<Equal<JsonOf<Json>, Json>>();
holds<Equal<JsonOf<JsonObject>, JsonObject>>();

// Values that write themselves.
holds<Equal<JsonOf<Date>, string>>();
holds<Equal<JsonOf<URL>, string>>();
holds<Equal<JsonOf<{ toJSON(): { at: Date } }>, { at: string }>>();
holds<Equal<JsonOf<{ toJSON(key: string): number; secret: string }>, number>>();

// A function without a result, or with none at times.
holds<Equal<JsonOf<undefined>, null>>();
holds<Equal<JsonOf<string | undefined>, string | null>>();
holds<Equal<JsonOf<Date | null>, string | null>>();

// A value without JSON cannot be used.
holds<Equal<JsonOf<bigint>, never>>();
holds<Equal<JsonOf<symbol>, never>>();
holds<Equal<JsonOf<() => void>, never>>();
holds<Equal<JsonOf<Map<string, number>>, never>>();
holds<Equal<JsonOf<Set<string>>, never>>();
holds<Equal<JsonOf<ReadonlyMap<string, Date>>, never>>();
holds<Equal<JsonOf<Uint8Array>, never>>();
holds<Equal<JsonOf<ArrayBuffer>, never>>();
holds<Equal<JsonOf<RegExp>, never>>();
holds<Equal<JsonOf<Response>, never>>();
holds<Equal<JsonOf<Headers>, never>>();
holds<Equal<JsonOf<ReadableStream<Uint8Array>>, never>>();
holds<Equal<JsonOf<{ body: Promise<string> }>, { body: never }>>();
holds<Equal<JsonOf<string | bigint>, string>>();
// To the compiler this is an Error as much as any, and it is data.
holds<Equal<JsonOf<{ name: string; message: string }>, { name: string; message: string }>>();

// Lists and tuples.
holds<Equal<JsonOf<Date[]>, string[]>>();
holds<Equal<JsonOf<readonly Date[]>, string[]>>();
holds<Equal<JsonOf<[string, Date]>, [string, string]>>();
holds<Equal<JsonOf<readonly [number, Date | undefined]>, [number, string | null]>>();
holds<Equal<JsonOf<[Date, ...Date[]]>, [string, ...string[]]>>();

// Objects, to their depth.
interface Row {
  id: string;
  at: Date;
  note?: string;
  until: Date | undefined;
  parts: { readonly at: Date }[];
}
holds<
  Equal<JsonOf<Row>, { id: string; at: string; note?: string; until?: string; parts: { readonly at: string }[] }>
>();
holds<Equal<JsonOf<{ n: bigint }>, { n: never }>>();
holds<Equal<JsonOf<Record<string, Date>>, { [x: string]: string }>>();
holds<Equal<JsonOf<{ kind: "a"; at: Date } | { kind: "b" }>, { kind: "a"; at: string } | { kind: "b" }>>();

// A type that says nothing stays one that says nothing.
holds<Equal<JsonOf<unknown>, unknown>>();
// oxlint-disable-next-line typescript/no-explicit-any -- the case itself
holds<Equal<JsonOf<any>, any>>();
holds<Equal<JsonOf<never>, never>>();

// As a handler has it.
declare const op: OperationContext;
const stepOf = {
  date: () => op.step("date", () => new Date()),
  later: () => op.step("later", async () => ({ at: new Date(), name: "a" })),
  nothing: () => op.step("nothing", () => {}),
  map: () => op.step("map", () => new Map([["a", 1]])),
};
holds<Equal<Awaited<ReturnType<typeof stepOf.date>>, string>>();
holds<Equal<Awaited<ReturnType<typeof stepOf.later>>, { at: string; name: string }>>();
holds<Equal<Awaited<ReturnType<typeof stepOf.nothing>>, void>>();
holds<Equal<Awaited<ReturnType<typeof stepOf.map>>, never>>();
