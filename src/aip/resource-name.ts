// Resource names (AIP-122): segments decoded once, checked, and never rewritten.
import { MAX_NAME_BYTES } from "../limits";

/** The outcome of decoding what a client sent: the value, or why it is not one. */
export type Decoded<T> = { ok: true; value: T } | { ok: false; description: string };

// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/;
/** Line separators, and characters that turn the direction of text: a name must look like what it is. */
const DECEIVING_CHARACTER = /[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;
const encoder = new TextEncoder();

/** Percent-decodes the segments of a routed path, each once, into a resource name. */
export function nameFromPath(path: string): Decoded<string> {
  // As nearly every name comes: there is nothing to decode.
  if (!path.includes("%")) return checkName(path);
  const segments: string[] = [];
  for (const encoded of path.split("/")) {
    const segment = decodeSegment(encoded);
    if (!segment.ok) return segment;
    segments.push(segment.value);
  }
  return checkName(segments.join("/"));
}

function decodeSegment(encoded: string): Decoded<string> {
  let segment: string;
  try {
    segment = decodeURIComponent(encoded);
  } catch {
    // decodeURIComponent says no more than that it failed.
    return { ok: false, description: `the segment ${JSON.stringify(encoded)} is not percent-encoded UTF-8` };
  }
  if (segment.includes("/")) {
    return { ok: false, description: `the segment ${JSON.stringify(encoded)} holds an encoded slash` };
  }
  return { ok: true, value: segment };
}

/** Checks a decoded name: no empty segment, no control character, at most {@link MAX_NAME_BYTES} bytes. */
export function checkName(name: string): Decoded<string> {
  // A UTF-16 unit is at most three bytes: what is short enough need not be encoded.
  if (name.length * 3 > MAX_NAME_BYTES && encoder.encode(name).length > MAX_NAME_BYTES) {
    return { ok: false, description: `a name has at most ${MAX_NAME_BYTES} bytes` };
  }
  if (CONTROL_CHARACTER.test(name)) return { ok: false, description: "a name has no control characters" };
  if (DECEIVING_CHARACTER.test(name)) {
    return {
      ok: false,
      description: "a name has no line separators and no characters that change the direction of text",
    };
  }
  if (`/${name}/`.includes("//")) return { ok: false, description: "a name has no empty segment" };
  return { ok: true, value: name };
}

/** An operation's name in its parts: `parent` is empty for the bare collection `operations`. */
export interface OperationName {
  parent: string;
  id: string;
}

/** Splits `{parent}/operations/{id}`; undefined where the name has another form. */
export function parseOperationName(name: string): OperationName | undefined {
  const segments = name.split("/");
  if (segments.length < 2 || segments.length % 2 !== 0 || segments.at(-2) !== "operations") return undefined;
  return { parent: segments.slice(0, -2).join("/"), id: segments.at(-1) ?? "" };
}

export function operationName({ parent, id }: OperationName): string {
  return parent === "" ? `operations/${id}` : `${parent}/operations/${id}`;
}

/** Where a method's operations live: its `parent`, or else the location or region that its resource is in. */
export function parentFromNames(names: Readonly<Record<string, string>>): string {
  if (names["parent"] !== undefined) return names["parent"];
  for (const name of Object.values(names)) {
    const parent = /^projects\/[^/]+\/(?:locations|regions)\/[^/]+/.exec(name)?.[0];
    if (parent !== undefined) return parent;
  }
  return "";
}

/** The first collection pair of a parent (`projects/p`), by which operations are indexed; empty for the bare collection. */
export function scopeFromParent(parent: string): string {
  return parent.split("/").slice(0, 2).join("/");
}

// AIP-159: "-" in place of a collection id stands for any.
const WILDCARD = "-";

/** The part of a parent before its first wildcard, slash included; undefined if it has no wildcard. */
export function parentBeforeWildcard(parent: string): string | undefined {
  const segments = parent.split("/");
  const wildcard = segments.findIndex((segment, index) => index % 2 === 1 && segment === WILDCARD);
  return wildcard === -1 ? undefined : `${segments.slice(0, wildcard).join("/")}/`;
}

/** Whether a parent is one of those that a pattern with wildcards stands for. */
export function matchesParent(parent: string, pattern: string): boolean {
  const segments = parent.split("/");
  const patterns = pattern.split("/");
  const isMatch = (wanted: string, index: number): boolean =>
    (index % 2 === 1 && wanted === WILDCARD) || wanted === segments[index];
  return segments.length === patterns.length && patterns.every(isMatch);
}
