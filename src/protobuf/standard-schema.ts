// Standard Schema v1 (https://standardschema.dev), which zod, valibot, ArkType and others implement. Its authors ask
// libraries to copy the interface rather than to depend on a package.

/** A schema of any library. `Input` is the type that users pass, `Output` the type that it returns. */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly "~standard": StandardProps<Input, Output>;
}

export interface StandardProps<Input, Output> {
  readonly version: 1;
  readonly vendor: string;
  readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
  /** Standard JSON Schema: libraries that do not implement it have none. May throw where a part has no JSON Schema. */
  readonly jsonSchema?: StandardJsonSchema | undefined;
  /** Absent at run time: it carries the types. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
}

/** The schema as JSON Schema (https://standardschema.dev/json-schema). */
export interface StandardJsonSchema {
  readonly input: (options: { readonly target: "draft-2020-12" }) => Record<string, unknown>;
}

export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

export interface StandardIssue {
  readonly message: string;
  /** From the root to the wrong part. Absent or empty: the value as a whole. */
  readonly path?: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined;
}
