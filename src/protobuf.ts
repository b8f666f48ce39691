// edge-operations/protobuf: what messages are declared with, so that the compiler, the service's checks and its documents
// all go by one declaration. Its names are protobuf's own; import it under one: `import * as pb from …`.
export { enumType } from "./protobuf/enum-type";
export * from "./protobuf/fields";
export type { Message } from "./protobuf/declaration";
export { type MessageType, message } from "./protobuf/message";
export { oneof } from "./protobuf/oneof";
export { refine } from "./protobuf/refine";
export { RpcStatus } from "./protobuf/rpc-status";
