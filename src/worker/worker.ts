// The Worker that wrangler.toml deploys: the built-in methods, for trying the service and for conformance.
import { operations } from "../index";
import { echoWait } from "./echo-wait";
import { tablesProfile } from "./tables-profile";

export {
  DirectoryObject,
  KeyObject,
  OperationIndex,
  OperationObject,
  PolicyObject,
  RequestObject,
  SlotsObject,
} from "../index";

export default operations({ methods: [echoWait, tablesProfile] });
