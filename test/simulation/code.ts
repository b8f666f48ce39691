// The versions of the service's code that a world runs: the one that is deployed, and the one that it replaces.
import * as now from "../../src/index";
import * as before from "./code-before";
import * as webhooksNow from "../../src/webhooks";
import { webhooksBefore } from "./code-before";
import { methodsOf } from "./methods";

/** Deployed to the door before it is to the consumers. */
const NEW_METHOD = "things:renew";

/** One version, as it is deployed. */
export interface Code {
  /** An earlier one has faults of its own: the platform may cut it off. */
  isEarlier: boolean;
  servesWebhooks: boolean;
  classes: Record<string, unknown>;
  queue: ReturnType<(typeof now)["operations"]>["queue"];
  /** Its consumers while a deploy is on its way to them. */
  queueWithoutNewMethod: ReturnType<(typeof now)["operations"]>["queue"];
  scheduled: ReturnType<(typeof now)["operations"]>["scheduled"];
}

/** `webhooks`: undefined in a version that serves none. */
function codeOf(library: typeof now, isEarlier: boolean, webhooks: typeof webhooksNow.webhooks | undefined): Code {
  const own = webhooks ? { webhooks: webhooks() } : {};
  const methods = methodsOf(library);
  const known = methods.filter(({ id }) => id !== NEW_METHOD);
  const { queue: queueWithoutNewMethod } = library.operations({ methods: known, ...own });
  // Last, because the runner of direct methods knows the methods of the last call.
  const { queue, scheduled } = library.operations({ methods, ...own });
  return {
    isEarlier,
    servesWebhooks: webhooks !== undefined,
    classes: { ...library },
    queue,
    queueWithoutNewMethod,
    scheduled,
  };
}

/** simulate.ts says whether it has put an earlier version in the place of code-before.ts. */
declare const BEFORE_IS_EARLIER: boolean;

export const deployed: Code = codeOf(now, false, webhooksNow.webhooks);
export const replaced: Code = codeOf(before, BEFORE_IS_EARLIER, webhooksBefore.webhooks);
