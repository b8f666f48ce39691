// Texts and streams, one after another, as one stream.
import { expect, test } from "vitest";
import { streamFromText } from "../../../src/rpc/utf8";
import { streamFromParts } from "../../../src/service/stream-from-parts";

test("streamFromParts yields the parts in their order, long and short ones, texts and streams", async () => {
  const long = "三".repeat(100_000);
  const parts = ["[", long, ",", "", streamFromText("stream"), ",", long, streamFromText(""), "]"];
  const text = await new Response(streamFromParts(parts)).text();

  expect(text === `[${long},stream,${long}]`).toBe(true);
});

test("streamFromParts sends a thousand short texts together", async () => {
  let pieces = 0;
  for await (const _ of streamFromParts(Array.from({ length: 1_000 }, () => "0123456789"))) pieces += 1;

  expect(pieces).toBe(1);
});

test("streamFromParts is empty without parts", async () => {
  expect(await new Response(streamFromParts([])).text()).toBe("");
});

test("streamFromParts cancels the streams that were not read to their end", async () => {
  const cancelled: string[] = [];
  const aStream = (name: string) =>
    new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1)),
      cancel: () => void cancelled.push(name),
    });
  const reader = streamFromParts([aStream("first"), "text", aStream("second")]).getReader();
  await reader.read();
  await reader.cancel();

  expect(cancelled).toEqual(["first", "second"]);
});
