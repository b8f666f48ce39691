// The fields of a declared answer, for partial responses.
import type { Message } from "../protobuf/message";
import type { AnswerShape } from "./partial-response";

export function shapeFromMessage(message: Message): AnswerShape {
  return Object.fromEntries(
    message.fields.map(({ jsonName, field: { type } }) => [
      jsonName,
      type.kind === "message" ? shapeFromMessage(type.message) : {},
    ]),
  );
}
