// Type tests are checked by the compiler alone: what does not hold does not compile.
// oxlint-disable typescript/no-unnecessary-type-parameters -- a parameter used once is how a type is compared or passed

/** `true` where two types are the same to the letter, optional fields and unions included. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles for `true` alone: `holds<Equal<A, B>>()`. */
export function holds<T extends true>(): T | undefined {
  return undefined;
}
