// The errors of expressions: the reason why an expression is rejected, or why its evaluation has no value.

/** `message` completes "The expression …"; `start` is an index into the expression. */
export class CelError extends Error {
  readonly start: number | undefined;

  constructor(message: string, start?: number) {
    super(start === undefined ? message : `${message} (at offset ${start})`);
    this.name = "CelError";
    this.start = start;
  }
}

export function invalid(problem: string, start: number): CelError {
  return new CelError(`is not valid CEL: ${problem}`, start);
}
