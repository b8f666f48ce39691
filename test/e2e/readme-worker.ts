// The Worker of README.md, so that it is type-checked; test/e2e/readme.test.ts sees to it that they are the same.
import { defineMethod, operations } from "../../src/index";
import { message, string } from "../../src/protobuf";

const CountWordsRequest = message("example.v1.CountWordsRequest", {
  parent: string(1, { required: true }),
  text: string(2, { required: true }),
});

const countWords = defineMethod({
  http: { post: "/v1/{parent=projects/*}/texts:countWords", body: "*" },
  request: CountWordsRequest,
  timeout: "10m",
  retry: { maxAttempts: 3 },
  async run({ text }, op) {
    // Stored once it is done, and never run again: not after a failure, a sleep or a crash.
    const words = await op.step("split", () => text.split(/\s+/).filter((word) => word !== ""));
    op.progress({ progressPercent: 50 });
    // Durable: nothing is held while time passes, be it a minute or a month.
    await op.sleep("5s");
    // Aborted by a cancel request, or when the work has gone to another.
    op.signal.throwIfAborted();
    return { words: words.length };
  },
});

export {
  DirectoryObject,
  KeyObject,
  OperationIndex,
  OperationObject,
  PolicyObject,
  SlotsObject,
} from "../../src/index";
export default operations({ methods: [countWords] });
