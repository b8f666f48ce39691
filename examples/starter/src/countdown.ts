import { defineMethod } from "edge-operations";
import { int32, message, string } from "edge-operations/protobuf";

const RunCountdownRequest = message("example.v1.RunCountdownRequest", {
  parent: string(1, { required: true }),
  seconds: int32(2, { required: true }),
});

export const runCountdown = defineMethod({
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
