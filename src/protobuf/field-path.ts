// Field paths as google.rpc.BadRequest names them (google/rpc/error_details.proto), in proto JSON form.
import { MAX_QUOTED_CHARACTERS } from "../limits";
import type { StandardIssue } from "./standard-schema";
import type { Field, Message, MessageField } from "./declaration";

// `@type` is a field in the JSON of an Any.
const FIELD = /^@?[A-Za-z_]\w*$/;

/**
 * The text of a path: `["columns", 2, "name"]` → `columns[2].name`. A map's key is written as a field if it could be
 * one (`labels.env`), and otherwise quoted in brackets (`labels["a b"]`). The key is a caller's, so a long one is cut.
 */
export function fieldPathText(path: NonNullable<StandardIssue["path"]>): string {
  let text = "";
  for (const segment of path) {
    const raw = typeof segment === "object" ? segment.key : segment;
    const key = String(raw).slice(0, MAX_QUOTED_CHARACTERS);
    if (typeof raw === "number") text += `[${key}]`;
    else if (FIELD.test(key)) text += text === "" ? key : `.${key}`;
    else text += `[${JSON.stringify(key)}]`;
  }
  return text;
}

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
