// The tools: one for each method that is declared with a schema, and those by which a client without tasks continues.
// https://modelcontextprotocol.io/specification/2026-07-28/server/tools
import type { Method } from "../method/define-method";
import type { ToolHints } from "../method/method";
import type { JsonObject } from "../rpc/any";
import { INPUT_ARGUMENT, inputSchema, outputSchema, pathVariables } from "./tool-schemas";

/** A tool that starts operations of a method. */
export interface MethodTool {
  name: string;
  method: Method;
  definition: JsonObject;
  /** Without a schema of the result: a client without tasks may get the running operation in its place. */
  plainDefinition: JsonObject;
  /** Whether the path names where the work belongs: the right to start it may then be held there alone. */
  hasParent: boolean;
}

const NAME = /^[A-Za-z0-9_.-]{1,128}$/;

/** @throws TypeError naming the method that cannot be a tool as it is declared. */
export function methodTools(methods: readonly Method[]): ReadonlyMap<string, MethodTool> {
  const tools = new Map<string, MethodTool>();
  for (const method of methods) {
    const tool = methodTool(method);
    if (!tool) continue;
    const rival = PLAIN_TOOL_NAMES.has(tool.name) ? "a tool of the service" : tools.get(tool.name)?.method.id;
    if (rival !== undefined) {
      throw new TypeError(
        `method ${method.id}: its tool is named ${tool.name}, as that of ${rival}; give it another one: mcp: { name: "…" }`,
      );
    }
    tools.set(tool.name, tool);
  }
  return tools;
}

function methodTool(method: Method): MethodTool | undefined {
  const { id, mcp, requestMessage, input } = method;
  if (mcp === false) return undefined;
  const schema = inputSchema(method);
  if (!schema) {
    if (mcp === undefined) return undefined;
    throw new TypeError(`method ${id}: mcp describes a tool, which needs a request with a schema: a message, or zod's`);
  }
  if (input && requestMessage?.fieldByName(INPUT_ARGUMENT)) {
    throw new TypeError(
      `method ${id}: its tool has two arguments named ${INPUT_ARGUMENT}; rename the field, or write mcp: false`,
    );
  }
  const { name = id.replaceAll(/[^A-Za-z0-9_.-]/g, "."), title, description, annotations } = mcp ?? {};
  if (!NAME.test(name)) {
    throw new TypeError(
      `method ${id}: mcp.name is ${JSON.stringify(name)}; it may have 128 of A-Z, a-z, 0-9, _, - and .`,
    );
  }
  const plainDefinition: JsonObject = {
    name,
    ...(title === undefined ? {} : { title }),
    description: description ?? requestMessage?.options.description ?? `Starts ${id}.`,
    inputSchema: schema,
    ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
  };
  const result = outputSchema(method);
  return {
    name,
    method,
    plainDefinition,
    definition: result ? { ...plainDefinition, outputSchema: result } : plainDefinition,
    hasParent: pathVariables(method).length > 0,
  };
}

const OPERATION: JsonObject = {
  type: "object",
  properties: { name: { type: "string", description: "The operation's name, as an earlier result gave it." } },
  required: ["name"],
  additionalProperties: false,
};

const READ_ONLY: ToolHints = { readOnlyHint: true, openWorldHint: false };

function plainTool(name: string, description: string, annotations: ToolHints): JsonObject {
  return { name, description, inputSchema: OPERATION, annotations: { ...annotations } };
}

/** The tools of clients without tasks. */
export const PLAIN_TOOLS: readonly JsonObject[] = [
  plainTool("get_operation", "Gets the present state of an operation, and its result once it is done.", READ_ONLY),
  plainTool(
    "wait_operation",
    "Waits up to 25 seconds for an operation to be done, and gets its state or its result. Call it again while it is not done.",
    READ_ONLY,
  ),
  plainTool("cancel_operation", "Asks for a running operation to be cancelled. It may still end with its result.", {
    destructiveHint: true,
    idempotentHint: true,
    openWorldHint: false,
  }),
];

/** For callers who may. */
export const EXPLAIN_TOOL: JsonObject = plainTool(
  "explain_operation",
  "Explains an operation's state and its next events. For administrators.",
  READ_ONLY,
);

const PLAIN_TOOL_NAMES: ReadonlySet<unknown> = new Set([...PLAIN_TOOLS, EXPLAIN_TOOL].map(({ name }) => name));
