// Stands for the module `cloudflare:workers` in the simulation.
import { here } from "./globals";

export * from "../../src/platform/node";

/** The Worker's own exports. The runner is looked up by the object that calls it. */
export const exports = {
  get OperationRunner(): unknown {
    return here().runners.exported();
  },
};
