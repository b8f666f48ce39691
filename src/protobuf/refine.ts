// Rules that types cannot express, and conversion into the shape that a handler prefers.
import { MAX_FIELD_VIOLATIONS } from "../limits";
import type { Message } from "./declaration";
import { isMessage } from "./message";
import type { Issue } from "./reading";
import type { StandardProps } from "./standard-schema";

/** Adds a violation at a path: `violate(["columns", 2], "must be unique")`. */
export type Violate = (path: readonly (string | number)[], description: string) => undefined;

/** A Standard Schema of `T` whose JSON is that of a declared message, `Input`. */
export interface RefinedMessage<T, Input = unknown> {
  readonly message: Message;
  readonly "~standard": StandardProps<Input, T>;
}

/**
 * A message whose values pass through `refinement`. It returns the value for the handler and reports violations. It is
 * called only with values that the declaration allows. If it reports any violation, its result is dropped.
 *
 * @example
 * const positiveRows = refine(Request, (request, violate) => {
 *   if ((request.rows ?? 0) < 1) violate(["rows"], "must be at least 1");
 *   return request;
 * });
 */
export function refine<M extends object, T>(
  message: Message<M>,
  refinement: (value: M, violate: Violate) => T,
): RefinedMessage<T, M> {
  return {
    message,
    "~standard": {
      version: 1,
      vendor: "edge-operations",
      validate: (input) => {
        const decoded = message["~standard"].validate(input);
        if (decoded.issues) return decoded;
        const issues: Issue[] = [];
        const value = refinement(decoded.value, (path, description) => {
          if (issues.length < MAX_FIELD_VIOLATIONS) issues.push({ path: [...path], message: description });
          return undefined;
        });
        return issues.length > 0 ? { issues } : { value };
      },
    },
  };
}

/** The message that declares a schema's JSON: the schema itself, or the one that it refines; else undefined. */
export function declaredMessage(schema: unknown): Message | undefined {
  if (isMessage(schema)) return schema;
  if (typeof schema !== "object" || schema === null || !("message" in schema)) return undefined;
  return isMessage(schema.message) ? schema.message : undefined;
}
