// The Worker of `npm start`: beside the deployed method, one with steps, a raw body and progress, and webhooks. It is not
// deployed, because its parser of CSV is a twelfth of the bundle.
import { operations } from "edge-operations";
import { conditions } from "edge-operations/conditions";
import { emulation } from "edge-operations/emulation";
import { mcp } from "edge-operations/mcp";
import { echoWait } from "./echo-wait";
import { webhooks } from "edge-operations/webhooks";
import { tablesProfile } from "./tables-profile";

export * from "edge-operations/objects";

export default operations({
  methods: [echoWait, tablesProfile],
  conditions: conditions(),
  emulation: emulation(),
  mcp: mcp(),
  webhooks: webhooks(),
});
