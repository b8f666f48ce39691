// Which field a path names: a declared one, or a key below the operation's metadata or response.
import { MAX_PATH_SEGMENTS } from "../../limits";
import type { Member, Segment } from "./ast";
import type { JsonPath } from "./checked";
import {
  type JsonField,
  type MessageField,
  type ScalarField,
  errorFields,
  isMessageField,
  isScalarField,
} from "./fields";
import { type Outcome, accept, quoteFound, refuse } from "./filter-error";
import { camelCase, keySpellings } from "./key-spelling";
import { misspeltField } from "./near-miss";

export type ResolvedField =
  | { kind: "scalar"; field: ScalarField; start: number }
  | { kind: "message"; field: MessageField; start: number }
  | {
      kind: "json";
      field: JsonField;
      path: JsonPath;
      start: number;
      /** The name, where it is the whole path: it may be a slip of a declared field's. */
      alone?: string;
    };

/** Resolves a path; any that begins with no declared field is read under `metadata`. */
export function resolveField({ segments }: Member): Outcome<ResolvedField> {
  const { start } = segments[0];
  const names: string[] = [];
  for (const segment of segments) {
    const checked = checkName(segment, names);
    if (!checked.ok) return checked;
    names.push(checked.value);
  }
  const [first = "", ...rest] = names;
  const root = camelCase(first);
  const next = segments[1];
  if (isScalarField(root)) {
    return next
      ? refuseField(next, `a comparator: ${root} has no fields`)
      : accept({ kind: "scalar", field: root, start });
  }
  if (root === "labels" && !segments[0].quoted) {
    return accept({ kind: "json", field: "labels", path: names.map(keySpellings), start });
  }
  if (!isMessageField(root)) {
    const misspelt = misspeltField(segments);
    if (misspelt) return refuse(misspelt);
    const alone = next || segments[0].quoted ? {} : { alone: first };
    return accept({ kind: "json", field: "metadata", path: names.map(keySpellings), start, ...alone });
  }
  if (!next) return accept({ kind: "message", field: root, start });
  if (root === "error") return resolveErrorField(next, segments[2]);
  if (rest[0] !== "@type") return accept({ kind: "json", field: root, path: rest.map(keySpellings), start });
  const [, , below] = segments;
  return below
    ? refuseField(below, "a comparator: @type has no fields")
    : accept({ kind: "scalar", field: `${root}.@type`, start });
}

/** The field of `Operation.error` that a name stands for, whose details a filter cannot see. */
function resolveErrorField(name: Segment, below: Segment | undefined): Outcome<ResolvedField> {
  const text = name.pieces.join("*");
  const field = Object.hasOwn(errorFields, text) ? errorFields[text] : undefined;
  if (field === undefined) return refuseField(name, "code or message");
  return below
    ? refuseField(below, `a comparator: ${field} has no fields`)
    : accept({ kind: "scalar", field, start: name.start });
}

function checkName(segment: Segment, before: readonly string[]): Outcome<string> {
  const { pieces, quoted } = segment;
  const name = pieces.join("*");
  if (before.length >= MAX_PATH_SEGMENTS) return refuseField(segment, `at most ${MAX_PATH_SEGMENTS} names in a path`);
  if (quoted) return accept(name);
  if (pieces.length > 1) return refuseField(segment, "a field name without wildcards (quoted, * is itself)");
  // "Filters can not query a specific element on a repeated field": neither e[0].foo nor e.0.foo.
  const subscript = name.search(/[[\]]/);
  if (subscript !== -1) {
    const index = segment.start + subscript;
    return refuse({ index, expected: "a field name: elements of a list cannot be picked", found: quoteFound(name) });
  }
  if (/^\d+$/.test(name) && before.some((text) => !/^\d+$/.test(text))) {
    return refuseField(segment, "a field name: elements of a list cannot be picked, and a map's key is quoted");
  }
  return accept(name);
}

function refuseField({ start, pieces }: Segment, expected: string): Outcome<never> {
  return refuse({ index: start, expected, found: quoteFound(pieces.join("*")) });
}
