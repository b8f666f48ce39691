// The code that a deploy replaces: simulate.ts puts a copy of it here, of the same version or of an earlier one, so that old
// and new code share no module.
export * from "../../src/index";
export * as webhooksBefore from "../../src/webhooks";
