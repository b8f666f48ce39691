// The code that `edge-operations init` writes: a first method, and a Worker that serves it, alone or around a Worker that is
// there. examples/starter holds the same.

export const METHOD_PATH = "countdown";

export const METHOD = `import { defineMethod } from "edge-operations";
import { int32, message, string } from "edge-operations/protobuf";

const RunCountdownRequest = message("example.v1.RunCountdownRequest", {
  parent: string(1, { required: true }),
  seconds: int32(2, { required: true }),
});

export const runCountdown = defineMethod({
  http: { post: "/v1/{parent=projects/*}/countdowns:run", body: "*" },
  request: RunCountdownRequest,
  async run({ seconds }, op) {
    for (let left = seconds; left > 0; left -= 1) {
      op.progress({ secondsLeft: left, progressPercent: (100 * (seconds - left)) / seconds });
      await op.sleep("1s");
    }
    return { liftOff: true };
  },
});
`;

export const EXPORT_OBJECTS = 'export * from "edge-operations/objects";\n';

/** A Worker that serves the method alone. `method`: its module, as an import names it. */
export function newWorker(method: string): string {
  return `import { operations } from "edge-operations";
import { runCountdown } from ${JSON.stringify(method)};

${EXPORT_OBJECTS}
export default operations({ methods: [runCountdown] });
`;
}

export interface WrappedWorker {
  /** The module of the Worker that is there, as an import names it. */
  worker: string;
  method: string;
  hasNamedExports: boolean;
  handlers: readonly ("fetch" | "queue" | "scheduled")[];
}

/** A Worker that serves the method, and leaves everything else to the Worker that is there. */
export function workerAround({ worker, method, hasNamedExports, handlers }: WrappedWorker): string {
  const from = JSON.stringify(worker);
  const handed = handlers.map((handler) => `  ${handler}: worker.${handler},\n`).join("");
  return `import { operations } from "edge-operations";
import { runCountdown } from ${JSON.stringify(method)};
import worker from ${from};

${hasNamedExports ? `export * from ${from};\n` : ""}${EXPORT_OBJECTS}
// Requests, messages and crons that are not the library's go to the Worker that was there.
export default operations({
  methods: [runCountdown],
${handed}});
`;
}

/** Where a Worker's code stands. */
export type CodeState =
  | { kind: "set-up"; exportsObjects: boolean }
  | { kind: "module"; hasNamedExports: boolean }
  /** `why`: what no other module can wrap. */
  | { kind: "other"; why: string };

/** Reads a main module's text. */
export function codeState(text: string): CodeState {
  if (/\boperations\s*\(/.test(text) && /["']edge-operations["']/.test(text)) {
    const exportsObjects =
      /["']edge-operations\/objects["']/.test(text) || /export\s*\{[^}]*\bOperationObject\b/.test(text);
    return { kind: "set-up", exportsObjects };
  }
  if (/^export default class\b/m.test(text)) return { kind: "other", why: "its default export is a class" };
  if (!/\bexport\s+default\b|\bas\s+default\b/.test(text)) return { kind: "other", why: "it has no default export" };
  return { kind: "module", hasNamedExports: /^export\s+(?!default\b|type\b|interface\b)/m.test(text) };
}
