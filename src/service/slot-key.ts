// The names of SlotsObjects. PERSISTED CONTRACT: an operation's record keeps the key that it was started with.
import { MAX_SLOT_KEY_BYTES } from "../limits";
import { sha256Hex } from "./digest";

/**
 * The key itself where it is short, so that operators can read it, and a digest where it is not: the platform does not tell
 * an object a name of more than 1,024 bytes, and a caller's id may be of any length. No plain key begins like a digest.
 */
export async function slotKey(kind: "run" | "caller", text: string): Promise<string> {
  const key = `${kind}/${text}`;
  return new TextEncoder().encode(key).length <= MAX_SLOT_KEY_BYTES ? key : `${kind}#${await sha256Hex(text)}`;
}
