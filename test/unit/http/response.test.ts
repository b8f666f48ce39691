import { describe, expect, test } from "vitest";
import { indentedJson, indentedResponse } from "../../../src/http/response";
import { MAX_INDENTED_CHARACTERS, MAX_INDENTED_SOURCE_BYTES } from "../../../src/limits";

const deep = `${"[".repeat(90)}1${"]".repeat(90)}`;

/** 1 MB that would be 98 MB indented. */
function worst(): string {
  return `{"a":[${Array.from({ length: 5_500 }, () => deep).join(",")}]}`;
}

describe("indentedJson", () => {
  test.each(["{}", '{"a":1,"b":[1,{"c":"x,{y}\\"]"}],"d":{}}', "[]", '"[,{"', deep])("indents %s", (json) => {
    expect(indentedJson(json)).toBe(JSON.stringify(JSON.parse(json), null, 2));
  });

  test("leaves an answer unchanged that would be too long indented, and finds that out quickly", () => {
    const json = worst();
    const startTime = performance.now();

    expect(json.length).toBeLessThan(MAX_INDENTED_SOURCE_BYTES);
    expect(indentedJson(json)).toBe(json);
    expect(performance.now() - startTime).toBeLessThan(500);
  });

  test("never returns more than its bound", () => {
    const element = '{"a":{"b":{"c":1}}}';
    const json = `[${Array.from({ length: 60_000 }, () => element).join(",")}]`;
    const indented = indentedJson(json);

    expect(indented.length).toBeGreaterThan(json.length);
    expect(indented.length).toBeLessThanOrEqual(MAX_INDENTED_CHARACTERS);
  });
});

describe("indentedResponse", () => {
  test("passes a long answer on byte for byte, after reading a bounded part of it", async () => {
    const text = `["${"€".repeat(MAX_INDENTED_SOURCE_BYTES)}"]`;
    const bytes = new TextEncoder().encode(text);
    let offset = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          controller.enqueue(bytes.subarray(offset, offset + 65_537));
          offset += 65_537;
          if (offset >= bytes.length) controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    const response = await indentedResponse(new Response(body, { status: 200, headers: { ETag: '"1"' } }));
    const readBefore = offset;

    expect(await response.text()).toBe(text);
    expect(readBefore).toBeLessThan(bytes.length / 2);
    expect(response.headers.get("ETag")).toBe('"1"');
  });

  test("indents a short answer that arrives in pieces", async () => {
    const pieces = ['{"a":', "[1,2]}"].map((piece) => new TextEncoder().encode(piece));
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const piece of pieces) controller.enqueue(piece);
        controller.close();
      },
    });

    expect(await (await indentedResponse(new Response(body))).text()).toBe('{\n  "a": [\n    1,\n    2\n  ]\n}');
  });
});
