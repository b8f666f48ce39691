// The Worker to try on a real account first (docs/platform.md): a method that holds a consumer for as long as it is told.
import { defineMethod, operations } from "../../src/index";
import { int32, message, string } from "../../src/protobuf";

export * from "../../src/objects";

const HoldRequest = message("account.v1.HoldRequest", {
  parent: string(1, { required: true }),
  seconds: int32(2, { required: true }),
});

const hold = defineMethod({
  http: { post: "/v1/{parent=projects/*}/consumers:hold", body: "*" },
  request: HoldRequest,
  timeout: "1h",
  async run({ seconds }, op) {
    // No durable sleep: the invocation of the consumer lasts as long as this.
    await scheduler.wait(seconds * 1_000, { signal: op.signal });
    return { attempt: op.attempt };
  },
});

export default operations({ methods: [hold] });
