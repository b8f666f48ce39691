// The output of `npm start`: wrangler's output, with each logged object of the Worker turned into one line for people.
import { stripVTControlCharacters, styleText } from "node:util";

type Colour = "dim" | "cyan" | "green" | "yellow" | "red" | "magenta";

type Paint = (colour: Colour, text: string) => string;

export interface DevOutputOptions {
  colours: boolean;
  time: () => string;
  /** Whether the Worker serves `echo:wait`, which the first lines suggest to call. */
  hasBuiltInMethods?: boolean;
  /** Whether the console is at the root. */
  hasConsole?: boolean;
  /** The folder of the documentation. */
  docs?: string;
}

/** Requests and messages that wrangler prints beside the service's own lines. */
const WRANGLER_EVENT = /^\[wrangler:info\] (?:[A-Z]+ \/\S* \d{3}|QUEUE |Alarm )/;

/** Errors and warnings are indented by two, below their mark. */
const OBJECT_BEGINS = /^(?:✘ \[ERROR\] |▲ \[WARNING\] )?\{$/;

type Stream = "stdout" | "stderr";

export class DevOutput {
  /** The address at which wrangler serves. Set when it is ready. */
  url: string | undefined;
  readonly #paint: Paint;
  readonly #time: () => string;
  readonly #hasBuiltInMethods: boolean;
  readonly #hasConsole: boolean;
  readonly #docs: string;
  /** The output of wrangler while it starts: bindings and notes, of use only if the start fails. */
  #held: string[] = [];
  readonly #objects = new Map<Stream, string[]>();

  constructor({ colours, time, hasBuiltInMethods = true, hasConsole = false, docs = "docs" }: DevOutputOptions) {
    this.#paint = (colour, text) => (colours ? styleText(colour, text, { validateStream: false }) : text);
    this.#time = time;
    this.#hasBuiltInMethods = hasBuiltInMethods;
    this.#hasConsole = hasConsole;
    this.#docs = docs;
  }

  take(line: string, stream: Stream = "stdout"): string[] {
    const plain = stripVTControlCharacters(line);
    if (this.url === undefined) return this.#untilReady(line, plain);
    const object = this.#objects.get(stream);
    if (object) {
      if (plain.trim() !== "") object.push(plain);
      const indent = object[0] === "{" ? "" : "  ";
      if (plain !== `${indent}}`) return [];
      this.#objects.delete(stream);
      return [this.#event(fieldsOf(object.map((one) => one.slice(indent.length))))];
    }
    if (OBJECT_BEGINS.test(plain)) {
      this.#objects.set(stream, [plain]);
      return [];
    }
    if (plain === "" || WRANGLER_EVENT.test(plain)) return [];
    // A short object stands on one line already.
    return [plain.startsWith("{ ") ? `${this.#paint("dim", this.#time())} ${line}` : line];
  }

  #untilReady(line: string, plain: string): string[] {
    this.#held.push(line);
    this.url = /Ready on (http\S+)/.exec(plain)?.[1];
    if (this.url === undefined) return [];
    this.#held = [];
    return banner(this.url, {
      paint: this.#paint,
      hasBuiltInMethods: this.#hasBuiltInMethods,
      hasConsole: this.#hasConsole,
      docs: this.#docs,
    });
  }

  #event(fields: Map<string, string>): string {
    return `${this.#paint("dim", this.#time())} ${eventText(fields, this.#paint)}`;
  }

  /** The rest when wrangler ends. After a failed start it is the whole output. */
  end(): string[] {
    return [...this.#held, ...[...this.#objects.values()].flat()];
  }
}

function banner(
  url: string,
  {
    paint,
    hasBuiltInMethods,
    hasConsole,
    docs,
  }: { paint: Paint; hasBuiltInMethods: boolean; hasConsole: boolean; docs: string },
): string[] {
  const command = (text: string): string => paint("cyan", text);
  const start = `curl -s ${url}/v1/echo:wait -H 'Content-Type: application/json' -d '{"ttl": "3s"}'`;
  return [
    "",
    `edge-operations serves ${command(url)}. Every caller may do everything (AUTH=open). Ctrl-C stops it.`,
    ...(hasConsole ? [`Console: open ${command(`${url}/`)} in a browser.`] : []),
    "",
    "Try, in another shell:",
    ...(hasBuiltInMethods ? [`  ${command(start)}`] : []),
    `  ${command(`curl -s ${url}/v1/operations`)}`,
    "",
    `Read: ${docs}/quickstart.md, ${docs}/methods.md (your own methods); ${url}/openapi.json describes what is served.`,
    `The sweep (cron) does not run by itself here: ${command(`curl ${url}/cdn-cgi/local/scheduled`)}`,
    "",
  ];
}

/** The fields of an object as util.inspect prints it over several lines. A deeper part becomes its text. */
function fieldsOf(lines: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>();
  let last = "";
  for (const line of lines.slice(1, -1)) {
    const [, quoted, name = quoted, text = ""] = /^ {2}(?:'([^']+)'|([\w$]+)): (.*)$/.exec(line) ?? [];
    if (name === undefined) fields.set(last, `${fields.get(last) ?? ""} ${line.trim()}`);
    else {
      last = name;
      fields.set(name, text);
    }
  }
  for (const [name, text] of fields) fields.set(name, unquoted(text.replace(/,$/, "")));
  return fields;
}

/** util.inspect quotes a text with a quotation mark that is not in it, and joins its lines with `+`. */
function unquoted(text: string): string {
  const inner = /^(['"`])(.*)['"`]$/s.exec(text)?.[2];
  if (inner === undefined) return text;
  return inner
    .replaceAll(/['"`] \+ ['"`]/g, "")
    .replaceAll(String.raw`\n`, "\n")
    .replaceAll(String.raw`\'`, "'");
}

/** One event in one line; a stack goes on below it. */
function eventText(fields: Map<string, string>, paint: Paint): string {
  const take = (name: string): string | undefined => {
    const text = fields.get(name);
    fields.delete(name);
    return text;
  };
  const message = take("message") ?? "";
  if (message === "request") return requestText(take, paint);
  if (message === "transition") return transitionText(take, paint);
  const error = take("error");
  const operation = shortName(take("operation"));
  const rest = Array.from(fields, ([name, text]) => `${name}=${text}`);
  const colour: Colour = error === undefined ? "magenta" : "red";
  const line = [paint(colour, message), operation, ...rest].filter(Boolean).join("  ");
  return error === undefined ? line : `${line}\n${error}`;
}

type Take = (name: string) => string | undefined;

function requestText(take: Take, paint: Paint): string {
  const status = take("status") ?? "";
  const isError = Number(status) >= 400;
  const about = shortName(take("operation")) || (take("resource") ?? "");
  const parts = [
    `${(take("method") ?? "").padEnd(6)} ${shortRpc(take("rpc"))}`.trimEnd(),
    paint(isError ? "red" : "green", status),
    about,
    isError ? (take("reason") ?? "") : "",
    paint("dim", `${take("durationMs") ?? "?"} ms`),
  ];
  return parts.filter(Boolean).join("  ");
}

function transitionText(take: Take, paint: Paint): string {
  const to = take("to") ?? "";
  const from = take("from") ?? "";
  const attempt = take("attempt");
  const durationMs = take("durationMs");
  const colour: Colour = to === "SUCCEEDED" ? "green" : to === "FAILED" ? "red" : "yellow";
  const parts = [
    `  ${shortName(take("operation"))}  ${from} → ${paint(colour, to)}`,
    `${take("method") ?? ""}: ${take("cause") ?? ""}`,
    attempt === undefined ? "" : `attempt ${attempt}`,
    [take("end"), take("code")].filter(Boolean).join(" "),
    durationMs === undefined ? "" : paint("dim", `${durationMs} ms in all`),
  ];
  return parts.filter(Boolean).join("  ");
}

function shortRpc(rpc = ""): string {
  return rpc.slice(rpc.lastIndexOf(".") + 1);
}

/** Eight digits of an id distinguish operations on a screen, and find the whole name in a list. */
function shortName(name = ""): string {
  return name.replace(/([0-9a-f]{8})[0-9a-f]{56}$/, "$1…");
}
