// A Worker whose work waits for people: a refund is paid once somebody has approved it.
import { operations } from "edge-operations";
import { mcp } from "edge-operations/mcp";
import { requestRefund } from "./request-refund";

// The classes of the Durable Objects that wrangler.toml binds.
export {
  DirectoryObject,
  KeyObject,
  OperationIndex,
  OperationObject,
  PolicyObject,
  SlotsObject,
} from "edge-operations";

export default operations({ methods: [requestRefund], mcp: mcp({ name: "approvals" }) });
