// The versions of the service's code that a world runs: the one that is deployed, and the one that it replaces.
import * as now from "../../src/index";
import * as before from "./code-before";
import { methodsOf } from "./methods";

/** Deployed to the door before it is to the consumers. */
const NEW_METHOD = "things:renew";

/** One version, as it is deployed. */
export interface Code {
  version: "now" | "before";
  classes: Record<string, unknown>;
  queue: ReturnType<(typeof now)["operations"]>["queue"];
  /** Its consumers while a deploy is on its way to them. */
  queueWithoutNewMethod: ReturnType<(typeof now)["operations"]>["queue"];
  scheduled: ReturnType<(typeof now)["operations"]>["scheduled"];
}

function codeOf(version: Code["version"], library: typeof now): Code {
  const methods = methodsOf(library);
  const { queue, scheduled } = library.operations({ methods });
  const known = methods.filter(({ id }) => id !== NEW_METHOD);
  return {
    version,
    classes: { ...library },
    queue,
    queueWithoutNewMethod: library.operations({ methods: known }).queue,
    scheduled,
  };
}

export const deployed: Code = codeOf("now", now);
export const replaced: Code = codeOf("before", before);
