// crashEverywhere: what it finds in methods that are not safe to interrupt, with the line of the code.
import { describe, expect, it, vi } from "vitest";
import { defineMethod } from "../../../src/method/define-method";
import type { OperationContext } from "../../../src/method/method";
import type { Json, JsonObject } from "../../../src/rpc/any";
import { type CrashOptions, crashEverywhere, runMethod } from "../../../src/testing";

const START = { parent: "projects/p" };

function aMethod(run: (op: OperationContext) => Promise<JsonObject>) {
  return defineMethod({
    http: { post: "/v1/{parent=projects/*}/things:make", body: "*" },
    request: (json: JsonObject) => json,
    timeout: "10d",
    run: async (_, op) => run(op),
  });
}

type Options = CrashOptions | (() => CrashOptions);

async function findings(run: (op: OperationContext) => Promise<JsonObject>, options: Options = {}): Promise<string> {
  const error = await crashEverywhere(aMethod(run), START, options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Error);
  return (error as Error).message.replaceAll(/\(testing\/crash-everywhere\.test\.ts:\d+:\d+\)/g, "(line)");
}

/** A list that code adds to, and options that empty it before each run. */
function aWorld(more: CrashOptions = {}): { sent: string[]; options: () => CrashOptions } {
  const sent: string[] = [];
  return {
    sent,
    options: () => {
      sent.length = 0;
      return { observe: () => sent, ...more };
    },
  };
}

describe("crashEverywhere", () => {
  it("passes a safe method, and lists its interruptions", async () => {
    const { sent, options } = aWorld();
    const make = aMethod(async (op) => {
      const one = await op.step("one", () => {
        sent.push("one");
        return 1;
      });
      await op.sleep("1d");
      const [two] = await Promise.all([op.step("two", () => one + 1), op.step("three", () => 3)]);
      await op.checkpoint("done");
      return { two };
    });
    const { points, run } = await crashEverywhere(make, START, options);

    expect(run).toMatchObject({ response: { two: 2 }, attempts: 1, invocations: 2 });
    expect(points[0]).toMatch(/^the call of step "one" \(testing\/crash-everywhere\.test\.ts:\d+:\d+\)$/);
    expect(points.map((point) => point.replace(/ \(.*\)$/, ""))).toEqual([
      'the call of step "one"',
      'the moment before the result of step "one" was stored',
      'the moment after the result of step "one" was stored',
      'the call of sleep "1d"',
      "the moment before a sleep was stored",
      "the moment after a sleep was stored",
      'the call of step "one"',
      'the call of sleep "1d"',
      'the call of step "two"',
      'the call of step "three"',
      'the moment before the result of step "two" was stored',
      'the moment after the result of step "two" was stored',
      'the moment before the result of step "three" was stored',
      'the moment after the result of step "three" was stored',
      "the call of checkpoint",
      "the moment before a checkpoint was stored",
      "the moment after a checkpoint was stored",
      "the moment before the response was stored",
      "the moment after the response was stored",
    ]);
  });

  it("interrupts a method that waits for an answer", async () => {
    const { sent, options } = aWorld({ answers: { approval: true } });
    const make = aMethod(async (op) => {
      const approval = await op.suspension("approval", { timeout: "3d" });
      await op.step("ask", () => {
        sent.push(approval.name);
      });
      const answer = await approval.answer();
      await op.step("do", () => {
        sent.push(`answered ${JSON.stringify(answer)}`);
      });
      return { answer };
    });
    const { points, run } = await crashEverywhere(make, START, options);

    expect(run.response).toEqual({ answer: true });
    expect(points).toContain("the moment after a suspension was stored");
  });

  it("interrupts each of these points once", async () => {
    const attempts: number[] = [];
    const make = aMethod(async (op) => ({ one: await op.step("one", () => 1) }));
    const { points } = await crashEverywhere(make, START, {
      compare: (run) => {
        attempts.push(run.attempts);
        return run.response;
      },
    });

    // Two runs without an interruption come first. After the last point, the operation is done.
    expect(attempts).toEqual([1, 1, ...points.slice(0, -1).map(() => 2), 1]);
  });

  it("finds code between steps that repeats a side effect, and names its lines", async () => {
    const { sent, options } = aWorld();
    const text = await findings(async (op) => {
      await op.step("one", () => 1);
      sent.push("mail");
      await op.step("two", () => 2);
      return {};
    }, options);

    expect(text).toContain("crashEverywhere: things:make is not safe to interrupt (8 points tried).");
    expect(text).toContain(
      'Interrupted at the call of step "two" (line) (and at 3 other points):\n' +
        '  Code between the call of step "one" (line) and the call of step "two" (line) ran again, and what observe() shows ' +
        "changed again. Put it into a step.",
    );
  });

  it("finds such code after the last step and before a sleep", async () => {
    const { sent, options } = aWorld();
    const atEnd = await findings(async (op) => {
      await op.step("one", () => 1);
      sent.push("mail");
      return {};
    }, options);
    const beforeSleep = await findings(async (op) => {
      sent.push("mail");
      await op.sleep("1h");
      return {};
    }, options);

    expect(atEnd).toContain("and the end of the method ran again");
    expect(beforeSleep).toContain(
      'Without an interruption (and at 6 other points):\n  Code between the beginning of the method and the call of sleep "1h" (line)',
    );
  });

  it("allows code between steps to set the same value again", async () => {
    const rows = new Map<string, number>();
    const make = aMethod(async (op) => {
      await op.step("one", () => 1);
      rows.set("row", 1);
      await op.step("two", () => 2);
      return {};
    });
    const { run } = await crashEverywhere(make, START, () => {
      rows.clear();
      return { observe: () => rows };
    });

    expect(run.error).toBeUndefined();
  });

  it("finds steps that are not safe to repeat if it is told to", async () => {
    const { sent, options } = aWorld({ repeatableSteps: true });
    const pushes = async (op: OperationContext): Promise<JsonObject> => {
      await op.step("send", () => sent.push("mail"));
      return {};
    };
    const tolerated = aWorld().options;

    expect(await findings(pushes, options)).toContain(
      'Interrupted at the moment before the result of step "send" was stored:\n' +
        '  The function of step "send" (line) ran again, and what observe() shows changed again.',
    );
    expect((await crashEverywhere(aMethod(pushes), START, tolerated)).run.error).toBeUndefined();
  });

  it("finds a repeated fetch outside of steps, and names its line", async () => {
    const fetched = vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response("{}"));
    try {
      const text = await findings(async (op) => {
        await op.step("one", async () => (await fetch("https://a.example/in-a-step", { method: "POST" })).status);
        await fetch("https://a.example/read");
        await fetch("https://a.example/outside", { method: "POST" });
        await op.step("two", () => 2);
        return {};
      });

      expect(text).toContain(
        "fetch POST https://a.example/outside (line) was called again, outside of a step. Put it into a step.",
      );
      expect(text).not.toContain("/read");
      expect(text).not.toContain("/in-a-step");
    } finally {
      fetched.mockRestore();
    }
  });

  it("finds a handler that takes another branch when it is called again", async () => {
    const text = await findings(
      async (op) => {
        const name = `made at ${Date.now()}`;
        await op.step(name, () => 1);
        return {};
      },
      { startTime: new Date(0) },
    );

    expect(text).toMatch(
      /The function went another way when it was called again: it called step "made at 10000" \(line\) where it had called step "made at 0" \(line\)\./,
    );
  });

  it("allows another branch after the handler has read the attempt or the last checkpoint", async () => {
    const make = aMethod(async (op) => {
      const from = Number(op.resumeFrom ?? 0);
      for (let row = from; row < 3; row += 1) {
        await op.step(`row ${row}`, () => row);
        await op.checkpoint(row + 1);
      }
      return { rows: 3 };
    });

    expect((await crashEverywhere(make, START)).run.response).toEqual({ rows: 3 });
  });

  it("finds code before a checkpoint that repeats a side effect, and no code after it", async () => {
    const { sent, options } = aWorld();
    const text = await findings(async (op) => {
      for (let row = Number(op.resumeFrom ?? 0); row < 3; row += 1) {
        sent.push(`row ${row}`);
        await op.checkpoint(row + 1);
      }
      return {};
    }, options);
    const rows = new Set<string>();
    const safe = aMethod(async (op) => {
      for (let row = Number(op.resumeFrom ?? 0); row < 3; row += 1) {
        rows.add(`row ${row}`);
        await op.checkpoint(row + 1);
      }
      return {};
    });
    const passed = await crashEverywhere(safe, START, () => {
      rows.clear();
      return { observe: () => rows };
    });

    // Each row, at two points.
    expect(text).toContain("Interrupted at the call of checkpoint (line) (and at 5 other points)");
    expect(text).not.toContain("Interrupted at the moment after a checkpoint was stored");
    expect(passed.points).toContain("the moment after a checkpoint was stored");
  });

  it("finds a different outcome, unless it is excluded from the comparison", async () => {
    const counts = async (op: OperationContext): Promise<JsonObject> => {
      await op.step("one", () => 1);
      return { attempts: op.attempt };
    };

    expect(await findings(counts)).toContain(
      "The operation ends differently.\n    without: { error: undefined, response: { attempts: 1 } }\n" +
        "    with:    { error: undefined, response: { attempts: 2 } }",
    );
    expect((await crashEverywhere(aMethod(counts), START, { compare: ({ error }) => error })).points).toHaveLength(5);
  });

  it("reports the difference of two runs without interruptions", async () => {
    let count = 0;
    const text = await findings(async (op) => ({ count: await op.step("count", () => (count += 1)) }));

    expect(text).toContain("two runs of things:make without an interruption end differently");
    expect(text).toContain("first:  { error: undefined, response: { count: 1 } }");
  });

  it("accepts a method that fails the same way each time", async () => {
    let left: Record<string, number> = {};
    const make = aMethod(async (op) => {
      await op.step("flaky", () => {
        left["flaky"] = (left["flaky"] ?? 1) - 1;
        if (left["flaky"] >= 0) throw new Error("flaky");
      });
      return { ok: true };
    });
    const { run, points } = await crashEverywhere(make, START, () => {
      left = {};
      return {};
    });

    expect(run).toMatchObject({ response: { ok: true }, attempts: 2 });
    expect(points).toContain("the moment before the failure was stored");
  });

  it("asks for a smaller request if there are too many points", async () => {
    const text = await findings(async (op) => {
      const results: Json[] = [];
      for (let index = 0; index < 334; index += 1) results.push(await op.step(`${index}`, () => index));
      return { results };
    });

    expect(text).toBe(
      "crashEverywhere: things:make has 1004 points of interruption with this request; at most 1000 are tried. Take a smaller " +
        "request.",
    );
  });
});

describe("a replay", () => {
  it("repeats the code between steps, as production does", async () => {
    const seen: string[] = [];
    const make = aMethod(async (op) => {
      seen.push("before");
      await op.sleep("1h");
      seen.push("after");
      return {};
    });
    await runMethod(make, START);

    expect(seen).toEqual(["before", "before", "after"]);
  });
});
