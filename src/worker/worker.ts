// The Worker that wrangler.toml deploys: the built-in methods, for trying the service and for conformance.
import { operations } from "edge-operations";
import { echoWait } from "./echo-wait";
import { tablesProfile } from "./tables-profile";

export * from "edge-operations/objects";

export default operations({ methods: [echoWait, tablesProfile] });
