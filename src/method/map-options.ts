// The options of op.map, checked: a mistake in them is a misuse of the library.
import { DEFAULT_MAP_CONCURRENCY, MAX_STEPS } from "../limits";
import type { MapOptions } from "./method";
import { misuse } from "./misuse";
import { checkedInteger } from "./option";
import { type CheckedStepOptions, checkedStepOptions, orMisuse } from "./step-options";

export interface CheckedMapOptions<Item> {
  concurrency: number;
  key: (item: Item, index: number) => string;
  step: CheckedStepOptions;
}

const CONCURRENCY = { byDefault: DEFAULT_MAP_CONCURRENCY, min: 1, max: MAX_STEPS };

/** @throws RpcError, a misuse. */
export function checkedMapOptions<Item>(
  items: unknown,
  run: unknown,
  options: MapOptions<Item>,
): CheckedMapOptions<Item> {
  if (!Array.isArray(items) || typeof run !== "function")
    throw misuse("op.map takes an array and a function: op.map(urls, (url) => fetchPage(url))");
  const {
    concurrency,
    key = (_item: Item, index: number) => String(index),
    ...step
  } = Object(options) as typeof options;
  if (typeof key !== "function") throw misuse("op.map: key is a function that names an item's step: (url) => url");
  return {
    concurrency: orMisuse(() => checkedInteger("op.map: concurrency", concurrency, CONCURRENCY)),
    key,
    step: checkedStepOptions("op.map", step),
  };
}
