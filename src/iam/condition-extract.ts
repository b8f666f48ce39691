// `extract`, the string function that IAM adds to CEL.
// https://cloud.google.com/iam/docs/conditions-attribute-reference#extract

/**
 * The part of `text` in place of the template's `{…}`: between the first occurrence of the text before it and the next
 * of the text after it. Empty if there is no such part.
 *
 * @example
 * extract("projects/p/operations/1", "projects/{project}/") // "p"
 */
export function extract(text: string, template: string): string {
  const [, prefix, suffix] = /^([^{}]*)\{[^{}]*\}([^{}]*)$/.exec(template) ?? [];
  if (prefix === undefined || suffix === undefined) return "";
  const found = text.indexOf(prefix);
  if (found === -1) return "";
  const start = found + prefix.length;
  const end = suffix === "" ? text.length : text.indexOf(suffix, start);
  return end === -1 ? "" : text.slice(start, end);
}
