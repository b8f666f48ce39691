// The options of a step, checked: a mistake in them is a misuse of the library.
import { MAX_TIMEOUT_MS } from "../limits";
import { checkOptions } from "./declaration-check";
import type { StepOptions } from "./method";
import { misuse } from "./misuse";
import { checkedDuration } from "./option";
import { type CheckedRetry, checkedRetry } from "./retry-policy";

export interface CheckedStepOptions {
  /** undefined: its first failure is final. */
  retry?: CheckedRetry | undefined;
  timeoutMs?: number | undefined;
}

const STEP_OPTIONS: Record<keyof Required<StepOptions>, true> = { retry: true, timeout: true };

/**
 * `call`: as an error names it, `op.step "parse"`.
 *
 * @throws RpcError, a misuse.
 */
export function checkedStepOptions(call: string, options: StepOptions): CheckedStepOptions {
  return orMisuse(() => {
    checkOptions(`${call}: options`, options, STEP_OPTIONS);
    const { retry, timeout } = options;
    const bounds = { byDefault: 0, min: 1, max: MAX_TIMEOUT_MS };
    return {
      retry: retry === undefined ? undefined : checkedRetry(`${call}: retry`, retry),
      timeoutMs: timeout === undefined ? undefined : checkedDuration(`${call}: timeout`, timeout, bounds),
    };
  });
}

/** A mistake in an option as a misuse of the library. */
export function orMisuse<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw error instanceof TypeError ? misuse(error.message) : error;
  }
}
