// Child operations under test. The test gives their ends, and says when they end by its clock.
import type { StoredEnd } from "../contract/child";
import type { Method } from "../method/define-method";
import { responseJson } from "../method/response-json";
import type { JsonObject } from "../rpc/any";
import { RpcError } from "../rpc/error";
import { prepareChild } from "../service/start-child";
import type { ChildStarts } from "../queue/child-starts";
import type { TestChild, TestChildren, TestedChild } from "./method-run";
import type { MemoryOperation } from "./memory-operation";
import { DEPLOYMENT } from "./start";
import { Takes } from "./step-mock";
import type { TestClock } from "./test-clock";

type End = Omit<StoredEnd, "number">;

interface Started {
  place: number;
  endTime: number;
  end(this: void): Promise<Partial<End>>;
}

export class ChildrenUnderTest {
  /** In the order in which they were started. */
  readonly started: TestedChild[] = [];
  readonly usedMocks = new Set<string>();
  readonly #mocks: TestChildren;
  readonly #operation: MemoryOperation;
  readonly #clock: TestClock;
  readonly #running = new Map<string, Started>();
  readonly #ids = new Set<string>();
  #minted = 1_000;

  constructor(mocks: TestChildren, operation: MemoryOperation, clock: TestClock) {
    this.#mocks = mocks;
    this.#operation = operation;
    this.#clock = clock;
  }

  /** The ports by which a handler starts them. */
  readonly starts: ChildStarts = {
    prepare: (asked) => {
      this.#mockOf(asked.method);
      return prepareChild(DEPLOYMENT, asked, this.#clock.now);
    },
    newId: () => `c41d${(this.#minted += 1)}`.padEnd(64, "0"),
    start: async ({ method, json }, { id, place }) => {
      if (this.#ids.has(id)) return;
      this.#ids.add(id);
      const { key = "" } = this.#operation.children.children[place] ?? {};
      this.started.push({ key, method: method.id, request: json });
      const { ms, mock } = this.#mockOf(method);
      const end = async (): Promise<Partial<End>> => {
        const outcome = typeof mock === "function" ? await mock({ key, request: json }) : mock;
        if (outcome instanceof RpcError) return { error: outcome.toStatus() };
        return { response: responseJson(method.responseType, outcome) };
      };
      this.#running.set(id, { place, endTime: this.#clock.now + ms, end });
    },
    // Every response stands in its end.
    read: async () => undefined,
  };

  /** When the next child ends; Infinity: none does. */
  get nextTime(): number {
    return Math.min(Infinity, ...Array.from(this.#running.values(), ({ endTime }) => endTime));
  }

  /** Lets the children end whose time has come. */
  async end(): Promise<void> {
    const due = [...this.#running].filter(([, { endTime }]) => endTime <= this.#clock.now);
    for (const [id, { place, end }] of due) {
      this.#running.delete(id);
      this.#operation.endChild({ place, time: this.#clock.now, ...(await end()) });
    }
  }

  #mockOf({ id }: Method): { ms: number; mock: Exclude<TestChild, Takes> } {
    if (!Object.hasOwn(this.#mocks, id))
      throw new TypeError(
        `The method starts a child of ${id}, and the test does not say how it ends: { children: { ${JSON.stringify(id)}: … } }`,
      );
    this.usedMocks.add(id);
    const mock = this.#mocks[id] as TestChild;
    return mock instanceof Takes ? { ms: mock.ms, mock: mock.mock as JsonObject } : { ms: 0, mock };
  }
}
