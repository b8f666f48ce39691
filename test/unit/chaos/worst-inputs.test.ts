// The costliest inputs that were found stop at a budget of src/limits.ts. Work is counted and not timed, so a machine under
// load says the same. test/chaos/worst-input.ts measures CPU.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { MAX_EXPRESSION_COST, MAX_POLICY_MEMBERS } from "../../../src/iam/iam-limits";
import {
  MAX_BODY_BYTES,
  MAX_FIELD_VIOLATIONS,
  MAX_INDENTED_CHARACTERS,
  MAX_INDENTED_SOURCE_BYTES,
  MAX_JSON_CONTAINERS,
  MAX_PAGE_WORK_NS,
} from "../../../src/limits";
import { costlyKinds } from "../../chaos/costly-inputs";
import type { DoorAnswer } from "../../support/a-door";

const { counted } = vi.hoisted(() => ({ counted: { pageWorkNs: 0, members: 0, conditionCost: 0 } }));

vi.mock(import("../../../src/aip/filter/work"), async (original) => {
  const module = await original();
  class Work extends module.Work {
    override spend(cost: number): void {
      counted.pageWorkNs += cost;
      super.spend(cost);
    }
  }
  return { ...module, Work };
});
vi.mock(import("../../../src/iam/members"), async (original) => {
  const module = await original();
  const decodeMember: typeof module.decodeMember = (member) => {
    counted.members += 1;
    return module.decodeMember(member);
  };
  return { ...module, decodeMember };
});
vi.mock(import("../../../src/iam/condition-check"), async (original) => {
  const module = await original();
  const conditionCost: typeof module.conditionCost = (...parameters) => {
    const cost = module.conditionCost(...parameters);
    counted.conditionCost += cost;
    return cost;
  };
  return { ...module, conditionCost };
});

const kept = JSON.parse(readFileSync(join(import.meta.dirname, "../../chaos/worst-inputs.json"), "utf8")) as Record<
  string,
  string[]
>;

/** The work of one call, in the units of its budgets. */
interface Counted {
  /** Of a shard, in nanoseconds as src/aip/filter/work.ts has them, without the last row. */
  pageWorkNs: number;
  members: number;
  conditionCost: number;
  /** The longest text that was parsed, and the most objects and lists of one. */
  parsedCharacters: number;
  parsedContainers: number;
  /** The longest text that was written. */
  writtenCharacters: number;
  violations: number;
}

/** The work that no call exceeds. The budget of a body that is read is less than that of an answer that is indented. */
function budgetOf(kind: string): Counted {
  const answers = kind === "prettyPrint" || kind === "fields";
  return {
    pageWorkNs: MAX_PAGE_WORK_NS,
    members: MAX_POLICY_MEMBERS,
    conditionCost: MAX_EXPRESSION_COST,
    parsedCharacters: answers ? MAX_INDENTED_SOURCE_BYTES : MAX_BODY_BYTES,
    parsedContainers: answers ? MAX_INDENTED_SOURCE_BYTES / 2 : MAX_JSON_CONTAINERS,
    writtenCharacters: MAX_INDENTED_CHARACTERS,
    violations: MAX_FIELD_VIOLATIONS,
  };
}

/** A shorter text has no containers worth counting: a page parses thousands. */
const MIN_COUNTED = 10_000;

function containersOf(json: unknown): number {
  if (typeof json !== "object" || json === null) return 0;
  let count = 1;
  for (const member of Object.values(json)) count += containersOf(member);
  return count;
}

function violationsOf(result: unknown): number {
  const { error } = (result ?? {}) as Partial<DoorAnswer>;
  const details = error?.details ?? [];
  return Math.max(
    0,
    ...details.map((detail) => (detail as { fieldViolations?: unknown[] }).fieldViolations?.length ?? 0),
  );
}

/** Calls an evaluator, and counts what the budgets bound. */
async function workOf(kind: string, input: string): Promise<Counted> {
  const call = costlyKinds[kind]!.call(input);
  const work = { parsedCharacters: 0, parsedContainers: 0, writtenCharacters: 0 };
  Object.assign(counted, { pageWorkNs: 0, members: 0, conditionCost: 0 });
  const { parse, stringify } = JSON;
  let answer = "";
  Object.assign(JSON, {
    parse(text: string, ...rest: []): unknown {
      const json: unknown = parse(text, ...rest);
      // The last text that was written is the answer, which the door of the tests parses.
      if (text !== answer) {
        work.parsedCharacters = Math.max(work.parsedCharacters, text.length);
        if (text.length > MIN_COUNTED) work.parsedContainers = Math.max(work.parsedContainers, containersOf(json));
      }
      return json;
    },
    stringify(...parameters: Parameters<typeof stringify>): string | undefined {
      const text = stringify(...parameters) as string | undefined;
      work.writtenCharacters = Math.max(work.writtenCharacters, text?.length ?? 0);
      answer = text ?? "";
      return text;
    },
  });
  let result: unknown;
  try {
    result = await call();
  } finally {
    Object.assign(JSON, { parse, stringify });
  }
  return { ...work, ...counted, violations: violationsOf(result) };
}

/** Of an evaluator whose costliest input is too long to be kept, those with which its search begins. */
const inputs = Object.entries(costlyKinds).flatMap(([kind, { seeds }]) =>
  (kept[kind] ?? seeds).map((input, index) => ({ kind, index, input })),
);

describe("the costliest input", () => {
  test.each(inputs)("$kind ($index) stops at its budget", async ({ kind, input }) => {
    const work = await workOf(kind, input);
    const budget = budgetOf(kind);

    expect(Object.entries(work).filter(([unit, spent]) => spent > budget[unit as keyof Counted])).toEqual([]);
  });

  test.each<[kind: string, unit: keyof Counted]>([
    ["page", "pageWorkNs"],
    ["condition", "conditionCost"],
    ["body", "parsedCharacters"],
    ["policy", "parsedContainers"],
    ["prettyPrint", "writtenCharacters"],
    ["query", "violations"],
  ])("%s is counted in %s", async (kind, unit) => {
    expect((await workOf(kind, costlyKinds[kind]!.seeds[0]!))[unit]).toBeGreaterThan(0);
  });
});
