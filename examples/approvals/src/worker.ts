// A Worker whose work waits: for people, who approve refunds, and for other work, the pages of a site.
import { operations } from "edge-operations";
import { mcp } from "edge-operations/mcp";
import { webhooks } from "edge-operations/webhooks";
import { renderPage } from "./render-page";
import { renderSite } from "./render-site";
import { requestRefund } from "./request-refund";

// The classes of the Durable Objects that wrangler.toml binds, and the runner of direct methods.
export {
  DirectoryObject,
  KeyObject,
  OperationIndex,
  OperationObject,
  OperationRunner,
  PolicyObject,
  SlotsObject,
} from "edge-operations";

export default operations({
  methods: [requestRefund, renderSite, renderPage],
  mcp: mcp({ name: "approvals" }),
  // They tell the people's own system that a refund waits for them: the event operation.suspended.
  webhooks: webhooks(),
});
