// Types of json-mask, which has none of its own: what is used of it.
declare module "json-mask" {
  /** A compiled mask: the fields that are kept, each with its own, if any are named. */
  export interface CompiledMask {
    [field: string]: { type: "object" | "array"; properties?: CompiledMask; filter?: string };
  }
  /** The CommonJS module, as ES modules import it. */
  const jsonMask: {
    /** null for an empty text. */
    compile(this: void, text: string): CompiledMask | null;
  };
  export default jsonMask;
}
