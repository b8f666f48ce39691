// A method whose messages are declared: its function is given the request, and must give back the response.
import type { MethodDeclaration } from "../../src/method/method";
import type { InferRequest } from "../../src/method/request-schema";
import { int32, repeated, string, timestamp } from "../../src/protobuf/fields";
import { type MessageType, message } from "../../src/protobuf/message";
import { type Equal, holds } from "./equal";

const Request = message("example.v1.CountRequest", { parent: string(1, { required: true }), rows: int32(2) });
const Response = message("example.v1.CountResponse", {
  count: int32(1, { required: true }),
  names: repeated(string(2)),
});
const Metadata = message("example.v1.CountMetadata", { endTime: timestamp(1), counted: int32(2) });

type Declaration = MethodDeclaration<
  InferRequest<typeof Request>,
  MessageType<typeof Response>,
  MessageType<typeof Metadata>
>;
type Run = Declaration["run"];

export const counts: Run = async (request, operation) => {
  holds<Equal<typeof request, { parent: string; rows?: number }>>();
  operation.progress({ counted: 1 });
  return { count: request.rows ?? 0, names: [request.parent] };
};

// @ts-expect-error a response without what is required
export const countsNothing: Run = async () => ({ names: [] });
// @ts-expect-error a response with a field of another type
export const countsInText: Run = async () => ({ count: "5" });
// @ts-expect-error a list of another type
export const countsNumbers: Run = async () => ({ count: 5, names: [5] });

export const readsMore: Run = async (request) => {
  // @ts-expect-error the request has no such field
  return { count: request.columns };
};

export const reportsMore: Run = async (_, operation) => {
  // @ts-expect-error progress of another type
  operation.progress({ counted: "1" });
  // @ts-expect-error progress that the metadata has no field for
  operation.progress({ done: 1 });
  return { count: 1 };
};
