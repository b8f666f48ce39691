// Answers to suspensions under test: who answers what, and when by the test's clock.
import type { StoredSuspension } from "../lifecycle/record";
import type { TestAnswer, TestAnswers } from "./method-run";
import type { MemoryOperation } from "./memory-operation";
import { Takes } from "./step-mock";

export class AnsweringPeople {
  readonly given = new Set<string>();
  readonly #answers: TestAnswers;
  readonly #operation: MemoryOperation;

  constructor(answers: TestAnswers, operation: MemoryOperation) {
    this.#answers = answers;
    this.#operation = operation;
  }

  /** When the next answer comes; Infinity: none does. */
  get nextTime(): number {
    return Math.min(Infinity, ...this.#operation.pending.map((suspension) => this.#timeOf(suspension)));
  }

  /** Gives the answers whose time has come. @throws RpcError if the service rejects one. */
  async give(now: number): Promise<void> {
    for (const suspension of this.#operation.pending) {
      if (this.#timeOf(suspension) > now) continue;
      const { id, reached } = suspension;
      this.given.add(id);
      const { answer } = unwrapped(this.#answers[id] as TestAnswer);
      const payload = typeof answer === "function" ? await answer({ name: id, prompt: reached?.prompt }) : answer;
      await this.#operation.resolve(id, payload);
    }
  }

  #timeOf({ id, createTime }: StoredSuspension): number {
    return Object.hasOwn(this.#answers, id) ? createTime + unwrapped(this.#answers[id] as TestAnswer).ms : Infinity;
  }
}

function unwrapped(answer: TestAnswer): { ms: number; answer: Exclude<TestAnswer, Takes> } {
  if (!(answer instanceof Takes)) return { ms: 0, answer };
  return { ms: answer.ms, answer: answer.mock as Exclude<TestAnswer, Takes> };
}
