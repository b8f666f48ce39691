import { operations } from "edge-operations";
import { runCountdown } from "./countdown.js";

export * from "edge-operations/objects";

export default operations({ methods: [runCountdown] });
