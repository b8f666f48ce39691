// The Worker of docs/quickstart.md, so that it is type-checked and run; test/e2e/quickstart.test.ts compares the two.
import { defineMethod, operations } from "../../src/index";
import { int32, message, string } from "../../src/protobuf";

const RunCountdownRequest = message("example.v1.RunCountdownRequest", {
  parent: string(1, { required: true }),
  seconds: int32(2, { required: true }),
});

const runCountdown = defineMethod({
  http: { post: "/v1/{parent=projects/*}/countdowns:run", body: "*" },
  request: RunCountdownRequest,
  async run({ seconds }, op) {
    for (let left = seconds; left > 0; left -= 1) {
      op.progress({ secondsLeft: left, progressPercent: (100 * (seconds - left)) / seconds });
      await op.sleep("1s");
    }
    return { liftOff: true };
  },
});

export * from "../../src/objects";
export default operations({ methods: [runCountdown] });
