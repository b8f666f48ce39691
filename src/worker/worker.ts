// The Worker that wrangler.toml deploys. Its method is for trying the service and for conformance; `npm start` serves
// local.ts, which has another one.
import { operations } from "edge-operations";
import { echoWait } from "./echo-wait";

export * from "edge-operations/objects";

export default operations({ methods: [echoWait] });
