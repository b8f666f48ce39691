// The syntax tree of a filter: what the grammar says, before any field or type is known.
import type { Comparator } from "./lexer";

export type Expression =
  | { kind: "and"; operands: Expression[] }
  | { kind: "or"; operands: Expression[] }
  | {
      kind: "not";
      operand: Expression;
      /** Written `-`, which before a number in an argument is its sign. */ minus: boolean;
    }
  | Restriction;

/** A comparison, or, without a comparator, a global restriction: a literal that is looked for (AIP-160, "Literals"). */
export interface Restriction {
  kind: "restriction";
  comparable: Comparable;
  comparison?: { comparator: Comparator; start: number; arg: Arg };
}

export type Comparable = Member | Call;

/** `a.b.c`, or a single value. */
export interface Member {
  kind: "member";
  segments: [Segment, ...Segment[]];
}

/** A part of a member. `pieces` is its text, split at wildcards. */
export interface Segment {
  pieces: string[];
  quoted: boolean;
  start: number;
  end: number;
}

export interface Call {
  kind: "call";
  name: string;
  args: Arg[];
  start: number;
}

export type Arg = Comparable | { kind: "composite"; expression: Expression };
