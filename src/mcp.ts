// edge-operations/mcp: the methods of a deployment as tools of agents (Model Context Protocol), long work as tasks.
export { type McpOptions, mcp } from "./mcp/face";
