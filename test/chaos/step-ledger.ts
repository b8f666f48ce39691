// A ledger outside of all that is killed: which steps were executed, in their order, as their handlers tell it.
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";

interface ExecutedStep {
  place: number;
  attempt: number;
}

export class StepLedger {
  readonly #executed = new Map<string, ExecutedStep[]>();
  readonly #server: Server;
  url = "";

  private constructor() {
    this.#server = createServer((request, answer) => {
      const query = new URL(request.url ?? "", "http://ledger").searchParams;
      const step = { place: Number(query.get("place")), attempt: Number(query.get("attempt")) };
      const operation = query.get("operation") ?? "";
      this.#executed.set(operation, [...this.executed(operation), step]);
      answer.end();
    });
  }

  static async open(): Promise<StepLedger> {
    const ledger = new StepLedger();
    await new Promise<void>((listening) => ledger.#server.listen(0, "127.0.0.1", listening));
    ledger.url = `http://127.0.0.1:${(ledger.#server.address() as AddressInfo).port}/steps`;
    return ledger;
  }

  executed(operation: string): readonly ExecutedStep[] {
    return this.#executed.get(operation) ?? [];
  }

  get count(): number {
    return [...this.#executed.values()].reduce((sum, steps) => sum + steps.length, 0);
  }

  /**
   * The steps of an operation that were executed although they had been stored: an attempt no older had told of a later
   * one, so its handler had gone on. An older attempt's call may still be on its way.
   */
  repeated(operation: string): ExecutedStep[] {
    const steps = this.executed(operation);
    return steps.filter((step, index) =>
      steps.slice(0, index).some((before) => before.place > step.place && before.attempt <= step.attempt),
    );
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
