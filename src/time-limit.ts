// The way to wait for something no longer than a time limit.

/** The result; after the limit, the outcome of `over`, which may throw. A result that comes later is dropped. */
export function withinLimit<Result, Late>(
  result: Promise<Result>,
  limitMs: number,
  over: () => Late,
): Promise<Result | Late> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(new Promise((late) => late(over()))), limitMs);
    const inTime =
      <Value>(settle: (value: Value) => void) =>
      (value: Value): void => {
        clearTimeout(timer);
        settle(value);
      };
    result.then(inTime(resolve), inTime(reject));
  });
}
