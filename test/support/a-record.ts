// The record of an operation that has just been started.
import type { NewOperation } from "../../src/lifecycle/new-operation";
import type { OperationRecord } from "../../src/lifecycle/record";
import { startedRecord } from "../../src/lifecycle/advance";
import { anOperation } from "./an-operation";

export function aRecord(overrides: Partial<NewOperation> = {}): OperationRecord {
  return startedRecord(anOperation(overrides));
}
