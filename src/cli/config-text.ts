// A wrangler configuration as text that keeps its comments while values are added to it.
import { isDeepStrictEqual } from "node:util";
import { type ParseError, applyEdits, modify, parse as parseJsonc } from "jsonc-parser";
import { type AST, getStaticTOMLValue, parseTOML } from "toml-eslint-parser";

export type ConfigValue = string | number | boolean | ConfigValue[] | { [key: string]: ConfigValue };
export type ConfigObject = { [key: string]: ConfigValue };

/** A value that is appended to the list at a path, or set at a path. */
export interface ConfigChange {
  kind: "append" | "set";
  path: readonly string[];
  value: ConfigValue;
}

/** The text cannot be read, or cannot be changed without a rewrite. */
export class ConfigTextError extends Error {}

type Format = "toml" | "jsonc";

export function formatOf(path: string): Format {
  return path.endsWith(".toml") ? "toml" : "jsonc";
}

/** @throws ConfigTextError */
export function configFromText(text: string, format: Format): ConfigObject {
  const value = format === "toml" ? tomlValue(text) : jsoncValue(text);
  if (isObject(value)) return value;
  throw new ConfigTextError("is not an object");
}

/**
 * The text with all changes. It is parsed again, and must then say the same as the configuration with the changes.
 *
 * @throws ConfigTextError
 */
export function changedText(text: string, format: Format, changes: readonly ConfigChange[]): string {
  const change = format === "toml" ? changedToml : changedJsonc;
  const expected = changes.reduce(changedConfig, configFromText(text, format));
  try {
    const changed = changes.reduce(change, text);
    if (isDeepStrictEqual(configFromText(changed, format), expected)) return changed;
  } catch {
    // The changed text is not valid: an inline table, for one, takes no second definition.
  }
  throw new ConfigTextError("has a form that this command cannot add to; docs/configuration.md says what to add");
}

export function changedConfig(config: ConfigObject, { kind, path, value }: ConfigChange): ConfigObject {
  const [key = "", ...rest] = path;
  const existing = config[key];
  if (rest.length > 0) {
    return { ...config, [key]: changedConfig(isObject(existing) ? existing : {}, { kind, path: rest, value }) };
  }
  return { ...config, [key]: kind === "set" ? value : [...(Array.isArray(existing) ? existing : []), value] };
}

export function isObject(value: unknown): value is ConfigObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// ── JSON with comments ──────────────────────────────────────────────────────────────────────────────────────────────

function jsoncValue(text: string): unknown {
  const errors: ParseError[] = [];
  const value: unknown = parseJsonc(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error) throw new ConfigTextError(`is not valid JSON at character ${error.offset + 1}`);
  return value;
}

function changedJsonc(text: string, { kind, path, value }: ConfigChange): string {
  const indent = /^([ \t]+)\S/m.exec(text)?.[1] ?? "  ";
  const formattingOptions = {
    insertSpaces: !indent.startsWith("\t"),
    tabSize: indent.length,
    eol: text.includes("\r\n") ? "\r\n" : "\n",
  };
  const at = kind === "append" ? [...path, -1] : [...path];
  return applyEdits(text, modify(text, at, value, { formattingOptions, isArrayInsertion: kind === "append" }));
}

// ── TOML ────────────────────────────────────────────────────────────────────────────────────────────────────────────

function tomlValue(text: string): unknown {
  try {
    return withoutBigInts(getStaticTOMLValue(parseTOML(text)));
  } catch (error) {
    throw new ConfigTextError(`is not valid TOML: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** TOML's integers may be larger than numbers; a configuration's are not. */
function withoutBigInts(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(withoutBigInts);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withoutBigInts(one)]));
}

function changedToml(text: string, { kind, path, value }: ConfigChange): string {
  const [top] = parseTOML(text).body;
  const existing = keyValueAt(top, path);
  if (kind === "set") {
    if (existing) return spliced(text, existing.value.range, tomlText(value));
    return withKey(text, top, path, tomlText(value));
  }
  if (existing?.value.type === "TOMLArray") {
    const { elements, range } = existing.value;
    const last = elements.at(-1);
    if (!last) return spliced(text, range, `[${tomlText(value)}]`);
    return spliced(text, [last.range[1], last.range[1]], `, ${tomlText(value)}`);
  }
  if (!isObject(value)) return withKey(text, top, path, `[${tomlText(value)}]`);
  const lines = Object.entries(value).map(([key, one]) => `${key} = ${tomlText(one)}\n`);
  return `${text.trimEnd()}\n\n[[${path.join(".")}]]\n${lines.join("")}`;
}

/** Adds a key to its table: above all tables where it has none, and in a new one where the table is not there. */
function withKey(text: string, top: AST.TOMLTopLevelTable, path: readonly string[], value: string): string {
  const table = path.slice(0, -1);
  const line = `${path.at(-1) ?? ""} = ${value}\n`;
  if (table.length === 0) {
    const first = top.body.find((node) => node.type === "TOMLTable");
    const last = top.body.findLast((node) => node.type === "TOMLKeyValue");
    if (last) return afterLine(text, last.range[1], line);
    return first ? spliced(text, [first.range[0], first.range[0]], `${line}\n`) : `${text}${line}`;
  }
  const existing = top.body.find(
    (node): node is AST.TOMLTable => node.type === "TOMLTable" && node.kind === "standard" && isAt(node.key, table),
  );
  if (existing) return afterLine(text, existing.key.range[1], line);
  return `${text.trimEnd()}\n\n[${table.join(".")}]\n${line}`;
}

function keyValueAt(top: AST.TOMLTopLevelTable, path: readonly string[]): AST.TOMLKeyValue | undefined {
  const table = path.slice(0, -1);
  const inTable = top.body.flatMap((node) =>
    node.type === "TOMLTable" && node.kind === "standard" && isAt(node.key, table)
      ? node.body.map((pair) => ({ pair, keys: path.slice(-1) }))
      : [],
  );
  const above = top.body.flatMap((node) => (node.type === "TOMLKeyValue" ? [{ pair: node, keys: path }] : []));
  return [...above, ...inTable].find(({ pair, keys }) => isAt(pair.key, keys))?.pair;
}

function isAt({ keys }: AST.TOMLKey, path: readonly string[]): boolean {
  const names = keys.map((key) => (key.type === "TOMLBare" ? key.name : key.value));
  return isDeepStrictEqual(names, [...path]);
}

function afterLine(text: string, offset: number, line: string): string {
  const end = text.indexOf("\n", offset);
  return end < 0 ? `${text}\n${line}` : spliced(text, [end + 1, end + 1], line);
}

function spliced(text: string, [start, end]: readonly [number, number], replacement: string): string {
  return text.slice(0, start) + replacement + text.slice(end);
}

function tomlText(value: ConfigValue): string {
  if (Array.isArray(value)) return `[${value.map(tomlText).join(", ")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  return `{ ${Object.entries(value)
    .map(([key, one]) => `${key} = ${tomlText(one)}`)
    .join(", ")} }`;
}
