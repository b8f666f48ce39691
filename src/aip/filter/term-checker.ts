// One comparison of one field with one literal, by the field's type.
import type { CheckedTerm, OrderComparator, StringTest, ValueComparator } from "./checked";
import type { ResolvedField } from "./field-resolver";
import {
  type BooleanField,
  type IntegerField,
  type MessageField,
  type ScalarField,
  type TimestampField,
  errorFields,
  isFieldOfType,
  stateNames,
} from "./fields";
import { type Outcome, accept, quoteFound, refuse } from "./filter-error";
import { Code } from "../../rpc/code";
import { keySpellings } from "./key-spelling";
import { reversedTerm, slipOfField, suspiciousText, suspiciousValue } from "./near-miss";
import type { Comparator } from "./lexer";
import type { Literal } from "./literal";
import { containsPattern, matchesAnything } from "./wildcard";

interface PlacedComparator {
  comparator: Comparator;
  start: number;
}

const MAX_INT32 = 2 ** 31 - 1;
const MIN_INT32 = -(2 ** 31);

/** Checks that the field can be compared so, and the literal is of its type. */
export function checkTerm(field: ResolvedField, placed: PlacedComparator, literal: Literal): Outcome<CheckedTerm> {
  const suspicious = suspiciousText(literal);
  if (suspicious) return refuse(suspicious);
  switch (field.kind) {
    case "scalar":
      return checkScalar(field.field, placed, literal);
    case "message":
      return checkMessage(field.field, placed, literal);
    case "json": {
      const { comparator } = placed;
      const { field: root, path, alone } = field;
      const reversed = alone === undefined ? undefined : reversedTerm(alone, literal);
      const problem = reversed ?? suspiciousValue(literal, comparator);
      if (problem) return refuse(problem);
      const slip = alone === undefined ? undefined : slipOfField(alone, literal);
      if (slip !== undefined) {
        const expected = `${slip} (of the metadata, it is metadata.${alone})`;
        return refuse({ index: field.start, expected, found: quoteFound(alone ?? "") });
      }
      if (comparator !== ":")
        return accept({ kind: "json", field: root, path, test: { kind: "compare", comparator, literal } });
      if (matchesAnything(literal.pattern))
        return accept({ kind: "json", field: root, path, test: { kind: "present" } });
      return accept({
        kind: "json",
        field: root,
        path,
        test: { kind: "has", literal, keys: keySpellings(literal.text), contained: containsPattern(literal.pattern) },
      });
    }
  }
}

function checkScalar(field: ScalarField, placed: PlacedComparator, literal: Literal): Outcome<CheckedTerm> {
  const present = placed.comparator === ":" && matchesAnything(literal.pattern);
  if (isFieldOfType(field, "boolean")) return checkBoolean(field, placed, literal, present);
  if (present) return accept({ kind: "present", field });
  if (isFieldOfType(field, "integer")) return checkInteger(field, placed, literal);
  if (isFieldOfType(field, "timestamp")) return checkTimestamp(field, placed, literal);
  if (field === "state") return checkState(placed, literal);
  const problem = suspiciousValue(literal, "=");
  if (problem) return refuse(problem);
  return accept({ kind: "string", field, test: stringTest(placed.comparator, literal) });
}

/** An enum: its values are known, and have no order. */
function checkState({ comparator, start }: PlacedComparator, literal: Literal): Outcome<CheckedTerm> {
  if (isOrder(comparator)) {
    return refuse({ index: start, expected: '"=", "!=" or ":" after state', found: quoteFound(comparator) });
  }
  const { pattern, text } = literal;
  if (pattern.length === 1 && !stateNames.includes(text)) {
    const meant = stateNames.find((name) => name === text.toUpperCase());
    return refuseLiteral(literal, meant ?? `one of ${stateNames.join(", ")}`);
  }
  return accept({ kind: "string", field: "state", test: { kind: "equal", pattern, negated: comparator === "!=" } });
}

function stringTest(comparator: Comparator, { pattern, text }: Literal): StringTest {
  switch (comparator) {
    case "=":
    case "!=":
      return { kind: "equal", pattern, negated: comparator === "!=" };
    case ":":
      return { kind: "contains", contained: containsPattern(pattern) };
    default:
      return { kind: "order", comparator, text };
  }
}

function checkBoolean(
  field: BooleanField,
  placed: PlacedComparator,
  literal: Literal,
  present: boolean,
): Outcome<CheckedTerm> {
  const { comparator, start } = placed;
  if (isOrder(comparator)) {
    return refuse({ index: start, expected: `"=", "!=" or ":" after ${field}`, found: quoteFound(comparator) });
  }
  // "A field is only considered to be present if it has a non-default value."
  if (present) return accept({ kind: "boolean", field, value: true });
  if (literal.boolean === undefined) return refuseLiteral(literal, "true or false");
  return accept({ kind: "boolean", field, value: comparator === "!=" ? !literal.boolean : literal.boolean });
}

function checkInteger(field: IntegerField, { comparator }: PlacedComparator, literal: Literal): Outcome<CheckedTerm> {
  const value = literal.number?.int64 === undefined ? undefined : literal.number.double;
  if (value === undefined || value < MIN_INT32 || value > MAX_INT32) {
    const code = literal.quoted
      ? undefined
      : Object.entries(Code).find(([name]) => name === literal.text.toUpperCase());
    return refuseLiteral(literal, code ? `${code[1]}, the number of ${code[0]}` : "an integer of 32 bits");
  }
  return accept({ kind: "integer", field, comparator: valueComparator(comparator), value });
}

function checkTimestamp(
  field: TimestampField,
  { comparator }: PlacedComparator,
  literal: Literal,
): Outcome<CheckedTerm> {
  if (!literal.timestamp) return refuseLiteral(literal, "an RFC 3339 timestamp, such as 2012-04-21T11:30:00-04:00");
  return accept({ kind: "timestamp", field, comparator: valueComparator(comparator), value: literal.timestamp });
}

function checkMessage(
  field: MessageField,
  { comparator, start }: PlacedComparator,
  literal: Literal,
): Outcome<CheckedTerm> {
  if (comparator !== ":") {
    return refuse({
      index: start,
      expected: `":" or "." after ${field}, which is a message`,
      found: quoteFound(comparator),
    });
  }
  if (matchesAnything(literal.pattern)) return accept({ kind: "present", field });
  if (field === "error") {
    const scalar = Object.hasOwn(errorFields, literal.text) ? errorFields[literal.text] : undefined;
    if (scalar === undefined) return refuseLiteral(literal, "code, message or *");
    return accept({ kind: "present", field: scalar });
  }
  if (literal.text === "@type") return accept({ kind: "present", field: `${field}.@type` });
  return accept({
    kind: "json",
    field,
    path: [],
    test: { kind: "has", literal, keys: keySpellings(literal.text), contained: containsPattern(literal.pattern) },
  });
}

function isOrder(comparator: Comparator): comparator is OrderComparator {
  return comparator === "<" || comparator === "<=" || comparator === ">" || comparator === ">=";
}

/** `m.foo:42` is "true if m.foo is 42". */
function valueComparator(comparator: Comparator): ValueComparator {
  return comparator === ":" ? "=" : comparator;
}

function refuseLiteral({ start, text }: Literal, expected: string): Outcome<never> {
  return refuse({ index: start, expected, found: quoteFound(text) });
}
