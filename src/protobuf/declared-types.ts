// The messages and enums that a set of messages refers to: what a generator of documents needs.
import type { Message } from "./declaration";
import type { EnumType } from "./enum-type";

/** By full name, in the order of discovery. */
export interface DeclaredTypes {
  messages: Map<string, Message>;
  enums: Map<string, EnumType>;
}

/**
 * Collects messages and everything that their fields refer to.
 * @throws TypeError if two declarations have one full name.
 */
export function declaredTypes(roots: Iterable<Message>): DeclaredTypes {
  const declarations = new Map<string, Message | EnumType>();
  const messages = new Map<string, Message>();
  const enums = new Map<string, EnumType>();
  const pending = [...roots].toReversed();
  for (let message = pending.pop(); message !== undefined; message = pending.pop()) {
    if (isKnown(declarations, message)) continue;
    messages.set(message.fullName, message);
    const reached: Message[] = [];
    for (const { type } of message.fields.map(({ field }) => field)) {
      if (type.kind === "message") reached.push(type.message);
      if (type.kind === "enum" && !isKnown(declarations, type.enumType))
        enums.set(type.enumType.fullName, type.enumType);
    }
    pending.push(...reached.toReversed());
  }
  return { messages, enums };
}

function isKnown(declarations: Map<string, Message | EnumType>, declaration: Message | EnumType): boolean {
  const { fullName } = declaration;
  const known = declarations.get(fullName);
  if (known === declaration) return true;
  if (known !== undefined) throw new TypeError(`two declarations are named ${fullName}; declare it once and share it`);
  declarations.set(fullName, declaration);
  return false;
}
