// edge-operations/react: the state of an operation in a component.
export { type UsedOperation, type UseOperationOptions, useOperation } from "./react/use-operation";
