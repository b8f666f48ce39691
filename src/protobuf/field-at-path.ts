// Looks up the field at the end of a field path.
import type { Field, Message, MessageField } from "./declaration";

/** The field at the end of a path through singular messages, by names in JSON or in .proto. */
export function fieldAtPath(message: Message, path: readonly string[]): MessageField | undefined {
  let within: Message | undefined = message;
  let declared: MessageField | undefined;
  for (const name of path) {
    declared = within?.fieldByName(name);
    if (declared === undefined) return undefined;
    const { label, type }: Field<unknown> = declared.field;
    within = label === "singular" && type.kind === "message" ? type.message : undefined;
  }
  return declared;
}
