// The Worker that is killed: the deployed methods, and walks, whose steps are told to a ledger outside.
import { defineMethod, operations } from "../../src/index";
import { echoWait } from "../../src/worker/echo-wait";
import { tablesProfile } from "../../src/worker/tables-profile";
import type { JsonObject } from "../../src/rpc/any";

export * from "../../src/objects";

interface WalkRequest {
  parent: string;
  /** Where steps are told. */
  ledger: string;
  steps: number;
  /** The step before which it sleeps, and the one in which its first attempt fails; -1: none. */
  sleepAt: number;
  failAt: number;
}

/** A walk through the queue, and the same called by its object. */
const walk = walkOf("walk", "queue");
const walkDirectly = walkOf("walkDirectly", "direct");

function walkOf(verb: string, dispatch: "queue" | "direct") {
  return defineMethod({
    http: { post: `/v1/{parent=projects/*/locations/*}/trails:${verb}`, body: "*" },
    dispatch,
    request: (json: JsonObject) => json as unknown as WalkRequest,
    // However often it is killed, it goes on.
    timeout: "1h",
    retry: { maxAttempts: 100, initialBackoff: "0.2s", maxBackoff: "1s" },
    async run({ ledger, steps, sleepAt, failAt }, op) {
      const told: number[] = [];
      for (let place = 0; place < steps; place += 1) {
        if (place === sleepAt) await op.sleep("0.3s");
        told.push(
          await op.step(`step ${place}`, async () => {
            const url = `${ledger}?operation=${encodeURIComponent(op.name)}&place=${place}&attempt=${op.attempt}`;
            const response = await fetch(url, { method: "POST", signal: op.signal });
            if (!response.ok) throw new Error(`the ledger answered ${response.status}`);
            await response.body?.cancel();
            if (place === failAt && op.attempt === 1) throw new Error("stumbled");
            return place;
          }),
        );
        op.progress({ place });
      }
      return { told };
    },
  });
}

export default operations({ methods: [echoWait, tablesProfile, walk, walkDirectly] });
