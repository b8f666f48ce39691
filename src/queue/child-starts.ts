// How a runner starts child operations, and reads their large responses: over the services, and the objects of the Worker.
import { configFromEnv, deploymentFromConfig } from "../config";
import { childStore } from "../durable/operation/operation-client";
import { doors } from "../durable/webhook-doors";
import type { Env } from "../env";
import type { Locations } from "../service/locations";
import { type AskedChild, type ChildStart, type PreparedChild, prepareChild, startChild } from "../service/start-child";

export interface ChildStarts {
  /** Checks a request. Nothing is stored yet. */
  prepare(this: void, asked: AskedChild): Promise<PreparedChild>;
  newId(this: void, child: PreparedChild): string;
  start(this: void, child: PreparedChild, start: ChildStart): Promise<void>;
  /** The JSON text of an operation; undefined: it was deleted, or has expired. */
  read(this: void, name: string): Promise<string | undefined>;
}

export function childStarts(env: Env, locations: Locations): ChildStarts {
  const store = childStore(env.OPERATIONS);
  return {
    prepare: (asked) => prepareChild(deploymentFromConfig(configFromEnv(env), locations), asked, Date.now()),
    newId: ({ place }) => store.newId(place),
    start: async (child, start) => {
      const hasWebhooks = await doors.areAbove?.(env, child.parent);
      return startChild(store, child, hasWebhooks ? { ...start, hasWebhooks } : start);
    },
    read: (name) => store.read(name),
  };
}
