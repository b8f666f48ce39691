// Streams of the runtime's own, by which large inputs go through an isolate without filling it: bodies, rows, pieces.
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { Chunks } from "../../src/durable/operation/chunks";
import { RequestBody } from "../../src/http/request-body";
import { piecesFromStream } from "../../src/worker/tables-profile/pieces";
import { aBodyStream } from "../support/a-body-stream";
import { useFreshWorld } from "./harness";

useFreshWorld();

function aRequest(body: ReadableStream<Uint8Array>): Request {
  return new Request("https://operations.example/v1/tables:profile", { method: "POST", body });
}

function bytesFrom(from: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => from + index);
}

describe("the stream of a body", () => {
  test("has the bytes of the body", async () => {
    const { stream } = aBodyStream({ pieces: 20, pieceBytes: 1_000 });
    const body = new RequestBody(aRequest(stream));

    expect((await new Response(body.stream()).bytes()).length).toBe(20_000);
  });

  test("is drained if its reader has stopped", async () => {
    const { stream, taken } = aBodyStream({ pieces: 20 });
    const body = new RequestBody(aRequest(stream));
    const reader = body.stream().getReader();
    await reader.read();
    await reader.cancel();
    await body.drain();

    expect(taken()).toBe(20);
  });

  test("is drained if nothing has read it", async () => {
    const { stream, taken } = aBodyStream({ pieces: 20 });
    const body = new RequestBody(aRequest(stream));
    body.stream();
    await body.drain();

    expect(taken()).toBe(20);
  });

  test("is empty if there is no body", async () => {
    const body = new RequestBody(new Request("https://operations.example/v1/tables:profile"));

    expect(await new Response(body.stream()).text()).toBe("");
  });
});

describe("the stream of rows", () => {
  test("has all rows in their order, between its head and its tail", async () => {
    const text = await runInDurableObject(env.OPERATIONS.getByName("rows"), async (_instance, { storage }) => {
      const chunks = new Chunks(storage.kv, "rows/");
      for (let index = 0; index < 3; index += 1) chunks.put(index, new TextEncoder().encode(String(index).repeat(9)));
      return new Response(chunks.stream({ count: 2, head: "<", tail: ">" })).text();
    });

    expect(text).toBe("<000000000111111111>");
  });

  test("fails if a row is missing", async () => {
    await runInDurableObject(env.OPERATIONS.getByName("rows"), async (_instance, { storage }) => {
      const chunks = new Chunks(storage.kv, "rows/");
      chunks.put(0, bytesFrom(0, 10));

      await expect(new Response(chunks.stream({ count: 2, head: "", tail: "" })).bytes()).rejects.toThrow("is missing");
    });
  });

  test("may be cancelled half-way", async () => {
    await runInDurableObject(env.OPERATIONS.getByName("rows"), async (_instance, { storage }) => {
      const chunks = new Chunks(storage.kv, "rows/");
      for (let index = 0; index < 5; index += 1) chunks.put(index, bytesFrom(index, 10));
      const reader = chunks.stream().getReader();
      const { value } = await reader.read();
      await reader.cancel();

      expect(value).toEqual(bytesFrom(0, 10));
      expect(chunks.get(4)).toEqual(bytesFrom(4, 10));
    });
  });
});

describe("a stream in pieces", () => {
  test.each([
    [10, 3],
    [9, 3],
    [2, 3],
    [0, 3],
  ])("of %i bytes has the same bytes in full pieces of %i and a rest", async (length, pieceBytes) => {
    const pieces: Uint8Array[] = [];
    const body = new Response(bytesFrom(0, length)).body!;
    for await (const piece of piecesFromStream(body, pieceBytes)) pieces.push(piece);

    expect(pieces.flatMap((piece) => [...piece])).toEqual([...bytesFrom(0, length)]);
    expect(pieces.slice(0, -1).every((piece) => piece.length === pieceBytes)).toBe(true);
  });

  test("is cancelled if its reader stops", async () => {
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    const written = writer.write(bytesFrom(0, 100)).then(
      () => "taken",
      () => "cancelled",
    );
    for await (const piece of piecesFromStream(readable, 10)) if (piece.length > 0) break;

    expect(await written).toBe("cancelled");
  });
});
