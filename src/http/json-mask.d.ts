// Types of json-mask, which has none of its own: what is used of it.
declare module "json-mask" {
  /** A compiled mask: the fields that are kept, each with its own, if any are named. */
  export interface CompiledMask {
    [field: string]: { type: "object" | "array"; properties?: CompiledMask; filter?: string };
  }
  /** null for an empty text. */
  export function compile(text: string): CompiledMask | null;
}
