import { expect, test } from "vitest";
import { type StreamEvent, eventsFromStream } from "../../../src/console/api/event-stream";

async function eventsOf(...pieces: string[]): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  const stream = new Response(
    new ReadableStream({
      start(controller) {
        for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
        controller.close();
      },
    }),
  ).body;
  for await (const event of eventsFromStream(stream!)) events.push(event);
  return events;
}

test("an event is read whole, wherever the stream is cut", async () => {
  const text = 'event: operation\nid: 7\ndata: {"done":false}\n\n: still here\n\nevent: gone\ndata: {}\n\n';
  const expected = [
    { event: "operation", id: "7", data: '{"done":false}' },
    { event: "gone", id: "", data: "{}" },
  ];
  for (let cut = 0; cut < text.length; cut += 1) {
    expect(await eventsOf(text.slice(0, cut), text.slice(cut))).toEqual(expected);
  }
});

test("an event that the stream breaks off is no event", async () => {
  expect(await eventsOf('event: operation\ndata: {"done":')).toEqual([]);
});
