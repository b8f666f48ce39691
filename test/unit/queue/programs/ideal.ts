// The reference: a program as plain JavaScript would run it, in one go, with timers in the place of sleeps.
import type { StepContext } from "../../../../src/index";
import { type Program, type Step, partsOf, run } from "./program";
import { VirtualTime } from "./virtual-time";

export interface IdealRun {
  outcome: string;
  isFailure: boolean;
  ms: number;
  /** Steps that were begun, and those that had come to an outcome by the program's end. */
  begun: Set<number>;
  ended: Set<number>;
}

export async function idealRun(program: Program): Promise<IdealRun> {
  const time = new VirtualTime(0);
  const begun = new Set<number>();
  const ended = new Set<number>();
  const delay = (ms: number): Promise<void> => new Promise((resolve) => void time.after(ms, resolve));
  const runs = new Map<number, number>();
  const steps = new Map(partsOf(program).flatMap((part) => (part.do === "step" ? [[part.id, part]] : [])));
  let result: { outcome: string; isFailure: boolean } | undefined;
  const suspensions = new Map(
    partsOf(program).flatMap((part) => (part.do === "suspend" ? [[`suspend-${part.id}`, part]] : [])),
  );
  const op = {
    suspend: async (name: string): Promise<string> => {
      const { id, ms, expires } = suspensions.get(name)!;
      await delay(ms);
      return expires ? `suspend ${id} expires` : `suspend ${id}`;
    },
    attempt: 1,
    step: async (name: string, work: (step?: StepContext) => Promise<string>) => {
      const { retry } = steps.get(Number(name.slice("step ".length)))!;
      if (!retry) return work();
      return work().catch(async () => {
        await delay(retry.backoffMs);
        return work();
      });
    },
    map: async (
      items: readonly Step[],
      work: (item: Step) => Promise<string>,
      { concurrency }: { concurrency: number },
    ) => {
      const rest = [...items.entries()];
      const results: string[] = [];
      const errors: unknown[] = [];
      const lane = async (): Promise<void> => {
        for (let next = rest.shift(); next && errors.length === 0; next = rest.shift()) {
          const [index, item] = next;
          begun.add(item.id);
          await work(item).then(
            (text) => (results[index] = text),
            (error: unknown) => errors.push(error),
          );
          ended.add(item.id);
        }
      };
      await Promise.all(Array.from({ length: concurrency }, lane));
      if (errors.length > 0) throw errors[0];
      return results;
    },
    sleep: (...parameters: string[]) => delay(Number.parseInt(parameters.at(-1) ?? "", 10)),
    checkpoint: () => Promise.resolve(),
  };
  const observer = {
    suspends: () => undefined,
    called: (id: number) => void (steps.has(id) && begun.add(id)),
    came: (id: number) => void (steps.has(id) && ended.add(id)),
    work: async ({ id, ms, failures, retry: { timeoutMs = ms } = { backoffMs: 0 } }: Step) => {
      const count = (runs.get(id) ?? 0) + 1;
      runs.set(id, count);
      await delay(count > failures ? ms : timeoutMs);
      if (count <= failures) throw new Error(`step ${id} fails`);
    },
  };
  run(program, op as never, observer).then(
    (outcome) => (result = { outcome, isFailure: false }),
    (error: unknown) => (result = { outcome: error instanceof Error ? error.message : "", isFailure: true }),
  );
  await time.runUntil(() => result !== undefined, 10_000);
  return { ...result!, ms: time.now, begun: new Set(begun), ended: new Set(ended) };
}
