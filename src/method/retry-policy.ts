// A retry policy as it is declared, of a method or of a step, checked and given its defaults.
import {
  DEFAULT_BACKOFF_MULTIPLIER,
  DEFAULT_INITIAL_BACKOFF_MS,
  DEFAULT_MAX_ATTEMPTS,
  DEFAULT_MAX_BACKOFF_MS,
  MAX_MAX_ATTEMPTS,
  MAX_TIMEOUT_MS,
} from "../limits";
import type { RunPolicy } from "../lifecycle/record";
import { checkOptions } from "./declaration-check";
import type { RetryPolicy } from "./method";
import { type Bounds, checkedDuration, checkedInteger, checkedNumber } from "./option";

export type CheckedRetry = Pick<RunPolicy, "maxAttempts" | "initialBackoffMs" | "maxBackoffMs" | "backoffMultiplier">;

const RETRY_OPTIONS: Record<keyof Required<RetryPolicy>, true> = {
  maxAttempts: true,
  initialBackoff: true,
  maxBackoff: true,
  backoffMultiplier: true,
};
const ATTEMPTS: Bounds = { byDefault: DEFAULT_MAX_ATTEMPTS, min: 1, max: MAX_MAX_ATTEMPTS };
const INITIAL_BACKOFF: Bounds = { byDefault: DEFAULT_INITIAL_BACKOFF_MS, min: 0, max: MAX_TIMEOUT_MS };
const MULTIPLIER: Bounds = { byDefault: DEFAULT_BACKOFF_MULTIPLIER, min: 1, max: 10 };

/**
 * `option`: where it is declared, `method tables:profile: retry`.
 *
 * @throws TypeError that names the option that is wrong.
 */
export function checkedRetry(option: string, retry: RetryPolicy): CheckedRetry {
  checkOptions(option, retry, RETRY_OPTIONS);
  const initialBackoffMs = checkedDuration(`${option}.initialBackoff`, retry.initialBackoff, INITIAL_BACKOFF);
  return {
    maxAttempts: checkedInteger(`${option}.maxAttempts`, retry.maxAttempts, ATTEMPTS),
    initialBackoffMs,
    maxBackoffMs: checkedDuration(`${option}.maxBackoff`, retry.maxBackoff, {
      byDefault: Math.max(DEFAULT_MAX_BACKOFF_MS, initialBackoffMs),
      min: retry.initialBackoff === undefined ? 0 : initialBackoffMs,
      max: MAX_TIMEOUT_MS,
    }),
    backoffMultiplier: checkedNumber(`${option}.backoffMultiplier`, retry.backoffMultiplier, MULTIPLIER),
  };
}
