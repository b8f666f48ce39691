// The record of an operation that has just been created.
import { type NewOperation, createRecord } from "../../src/lifecycle/create-record";
import type { OperationRecord } from "../../src/lifecycle/record";
import { anOperation } from "./an-operation";

export function aRecord(overrides: Partial<NewOperation> = {}): OperationRecord {
  return createRecord(anOperation(overrides));
}
