// snake_case and camelCase name the same field (AIP-160, "Has Operator"; AIP-140; proto3 JSON's lowerCamelCase names).

const LOWER_CAMEL = /^[a-z][A-Za-z0-9]*[A-Z][A-Za-z0-9]*$/;
const LOWER_SNAKE = /^[a-z][a-z0-9]*(?:_+[a-z0-9]+)+$/;

/** `create_time` → `createTime`; anything that is not snake_case is returned as it is. */
export function camelCase(key: string): string {
  return LOWER_SNAKE.test(key) ? key.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()) : key;
}

/** The keys under which a field may stand in JSON: the name as written, and in its other case where it has one. */
export function keySpellings(key: string): [string, ...string[]] {
  if (LOWER_SNAKE.test(key)) return [key, camelCase(key)];
  if (LOWER_CAMEL.test(key)) return [key, key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)];
  return [key];
}
