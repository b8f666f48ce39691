// The `op` that a method under test is given: the real one, whose calls are written down.
import type { OperationContext } from "../method/method";
import type { JsonObject } from "../rpc/any";
import { callSite } from "./call-site";

/** A call of a method, in words, and where its code makes it: `src/deliver.ts:20:31`. */
export interface MadeCall {
  readonly text: string;
  readonly site: string | undefined;
}

export interface ContextWatcher {
  /** Whether the call is made: a dead machine makes none. */
  called(call: MadeCall): boolean;
  reported(report: JsonObject): void;
  /** The code may go another way than it did before. */
  read(name: "attempt" | "resumeFrom"): void;
}

/** Calls that neither wait nor store: an interruption there is one at the next call. */
const REPORTS = new Set<PropertyKey>(["progress", "log"]);

export function watchedContext(op: OperationContext, watcher: ContextWatcher): OperationContext {
  return new Proxy(op, {
    get(target, name) {
      if (name === "attempt" || name === "resumeFrom") watcher.read(name);
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return function watched(...parameters: unknown[]): unknown {
        const call = (): unknown => Reflect.apply(member, target, parameters);
        if (name === "progress") watcher.reported(structuredClone(parameters[0]) as JsonObject);
        if (REPORTS.has(name)) return call();
        const isMade = watcher.called({ text: textOf(String(name), parameters), site: callSite(watched) });
        return isMade ? call() : new Promise<never>(() => {});
      };
    },
  });
}

/** `step "parse"`, `sleep "1h"`, `checkpoint`. */
function textOf(name: string, parameters: readonly unknown[]): string {
  const texts = parameters.filter((parameter) => typeof parameter === "string" && name !== "checkpoint");
  return [name, ...texts.map((text) => JSON.stringify(text))].join(" ");
}
