// tables:split: a raw body of up to 32 MiB, read line by line, put into the bucket a thousand lines at a time. Its request
// is decoded by a function.
import { type JsonObject, defineMethod, invalidArgument } from "edge-operations";
import { env } from "./env";

const LINES_PER_OBJECT = 1_000;

export const splitTable = defineMethod({
  http: { post: "/v1/{parent=projects/*}/tables:split" },
  input: { contentTypes: ["text/csv"], maxBytes: 32 * 1_048_576 },
  request: decodeRequest,
  async run({ prefix }, op) {
    let objects = Number(op.resumeFrom ?? 0);
    // The body is read from its beginning by every invocation: what is done already is passed by.
    const done = objects * LINES_PER_OBJECT;
    let lineCount = 0;
    let lines: string[] = [];
    const put = async () => {
      await env.REPORTS.put(`${op.name}/${prefix}${objects}.csv`, lines.join("\n"));
      objects += 1;
      lines = [];
      await op.checkpoint(objects);
    };
    for await (const line of linesOf(op.input)) {
      lineCount += 1;
      if (lineCount <= done) continue;
      lines.push(line);
      if (lines.length === LINES_PER_OBJECT) await put();
    }
    if (lines.length > 0) await put();
    return { lineCount, objects };
  },
});

/** `prefix` comes in the query: the body is the table itself. */
function decodeRequest({ prefix = "part-" }: JsonObject): { prefix: string } {
  if (typeof prefix === "string" && /^[\w-]{1,20}$/.test(prefix)) return { prefix };
  throw invalidArgument([{ field: "prefix", description: "must be 1 to 20 letters, digits, - and _" }]);
}

async function* linesOf(bytes: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of bytes.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}
