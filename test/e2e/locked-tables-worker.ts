// The Worker of the command line's tests: tables that can be locked, and an approval that is waited for.
import { defineMethod, operations } from "edge-operations";
import { webhooks } from "edge-operations/webhooks";
import { echoWait } from "../../src/worker/echo-wait";
import { tablesProfile } from "../../src/worker/tables-profile";
import { locks, tablesLoad } from "./locked-tables";

export * from "edge-operations/objects";

const approve = defineMethod({
  http: { post: "/v1/{parent=projects/*}/tables:approve", body: "*" },
  request: (json: { table?: string }) => json,
  async run(_, operation) {
    return { approved: await operation.suspend<boolean>("approval", { prompt: "May it go on?", timeout: "1h" }) };
  },
});

export default operations({
  methods: [echoWait, tablesProfile, tablesLoad, approve],
  webhooks: webhooks(),
  fetch: locks,
});
