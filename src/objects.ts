// edge-operations/objects: the classes of the Durable Objects, and the runner of direct methods. A Worker exports all with
// `export * from "edge-operations/objects"`.
export { DirectoryObject } from "./durable/directory/directory-object";
export { KeyObject } from "./durable/key/key-object";
export { OperationIndex } from "./durable/index/operation-index";
export { OperationObject } from "./durable/operation/operation-object";
export { OperationRunner } from "./queue/operation-runner";
export { PolicyObject } from "./durable/policy/policy-object";
export { RequestObject } from "./durable/request/request-object";
export { SlotsObject } from "./durable/slots/slots-object";
