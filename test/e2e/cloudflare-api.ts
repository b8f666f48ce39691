// A stand-in for the part of the Cloudflare API that `wrangler deploy` calls: an account in memory that keeps what is created.
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** The metadata part of an uploaded script. */
export interface ScriptMetadata {
  main_module: string;
  bindings: { type: string; name: string; [field: string]: unknown }[];
  compatibility_date: string;
  compatibility_flags: string[];
  migrations?: { new_tag: string; old_tag?: string; steps: Record<string, unknown>[] };
  observability: Record<string, unknown>;
  keep_bindings?: string[];
  limits?: unknown;
}

export interface Script {
  metadata: ScriptMetadata;
  /** The names of the uploaded modules, source maps included. */
  modules: string[];
  secrets: Record<string, string>;
  crons: string[];
  /** The last migration that was applied. */
  migrationTag: string | undefined;
  /** How often it was uploaded. */
  uploads: number;
}

export interface Consumer {
  script: string;
  dead_letter_queue?: string;
  settings: Record<string, number>;
}

interface Answer {
  status?: number;
  result?: unknown;
  error?: { code: number; message: string };
}

const SUBDOMAIN = { enabled: true, previews_enabled: true };

const NO_WORKER: Answer = {
  status: 404,
  error: { code: 10007, message: "This Worker does not exist on your account." },
};

type Handler = (match: string[], request: IncomingMessage, body: Buffer) => Answer | Promise<Answer>;

export class CloudflareApi {
  readonly scripts = new Map<string, Script>();
  /** The consumer of each queue: the platform allows one Worker. */
  readonly queues = new Map<string, Consumer | undefined>();
  readonly namespaces: { id: string; title: string }[] = [];
  /** Everything that changed the account, in order: `POST /queues edge-operations`. */
  readonly changes: string[] = [];
  /** Requests that this stand-in does not know. */
  readonly unknown: string[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#respond(request, response);
    });
  }

  static async start(): Promise<CloudflareApi> {
    const api = new CloudflareApi();
    await new Promise<void>((listening) => api.#server.listen(0, "127.0.0.1", listening));
    return api;
  }

  /** The variables that wrangler needs to call this account, and no others. */
  get env(): Record<string, string> {
    const { port } = this.#server.address() as AddressInfo;
    return {
      CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${port}/client/v4`,
      CLOUDFLARE_API_TOKEN: "token",
      CLOUDFLARE_ACCOUNT_ID: "account",
    };
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status = 200, result = null, error } = await this.#answer(request);
    const page = { page: 1, per_page: 100, total_pages: 1 };
    const body = { success: status < 400, result, errors: error ? [error] : [], messages: [], result_info: page };
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const url = new URL(request.url ?? "/", "http://api");
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const line = `${request.method} ${url.pathname.replace("/client/v4/accounts/account", "")}`;
    for (const [pattern, handler] of this.#handlers) {
      const match = pattern.exec(line);
      if (!match) continue;
      if (url.searchParams.has("name")) match.push(url.searchParams.get("name") ?? "");
      return handler(match.slice(1), request, Buffer.concat(chunks));
    }
    this.unknown.push(line);
    return { status: 404, error: { code: 7003, message: `No route for ${line}` } };
  }

  readonly #handlers: readonly [RegExp, Handler][] = [
    [/^GET \/workers\/services\/([\w-]+)$/, ([name]) => this.#ofScript(name, serviceOf)],
    [/^GET \/workers\/scripts\/([\w-]+)\/secrets$/, ([name]) => this.#ofScript(name, secretsOf)],
    [/^GET \/workers\/scripts\/([\w-]+)\/deployments$/, ([name]) => this.#ofScript(name, deploymentsOf)],
    [/^GET \/workers\/scripts\/([\w-]+)\/settings$/, ([name]) => this.#ofScript(name, settingsOf)],
    [/^GET \/workers\/workers\/([\w-]+)$/, ([name]) => this.#ofScript(name, () => ({ name, subdomain: SUBDOMAIN }))],
    [/^POST \/workers\/scripts\/([\w-]+)\/subdomain$/, ([name]) => this.#ofScript(name, () => SUBDOMAIN)],
    [/^GET \/workers\/subdomain$/, () => ({ result: { subdomain: "example" } })],
    // A Worker that exists, without new migrations, gets a version, and then a deployment of it.
    [/^POST \/workers\/scripts\/([\w-]+)\/versions$/, (match, request, body) => this.#upload(match, request, body)],
    [/^POST \/workers\/scripts\/([\w-]+)\/deployments$/, ([name]) => this.#ofScript(name, () => ({ id: "d" }))],
    [/^PATCH \/workers\/scripts\/([\w-]+)\/script-settings$/, ([name]) => this.#ofScript(name, () => ({}))],
    [/^PUT \/workers\/scripts\/([\w-]+)$/, (match, request, body) => this.#upload(match, request, body)],
    [/^PUT \/workers\/scripts\/([\w-]+)\/schedules$/, (match, _, body) => this.#schedule(match, body)],
    [/^PUT \/workers\/scripts\/([\w-]+)\/secrets$/, (match, _, body) => this.#putSecret(match, body)],
    [/^GET \/queues$/, ([name]) => ({ result: this.#queueList(name) })],
    [/^POST \/queues$/, (_match, _request, body) => this.#createQueue(body)],
    [/^(POST|PUT) \/queues\/([\w-]+)\/consumers(?:\/[\w-]+)?$/, (match, _, body) => this.#putConsumer(match, body)],
    [/^GET \/storage\/kv\/namespaces$/, () => ({ result: this.namespaces })],
    [/^POST \/storage\/kv\/namespaces$/, (_match, _request, body) => this.#createNamespace(body)],
  ];

  #ofScript(name = "", result: (script: Script) => unknown): Answer {
    const script = this.scripts.get(name);
    return script ? { result: result(script) } : NO_WORKER;
  }

  async #upload([name = ""]: string[], request: IncomingMessage, body: Buffer): Promise<Answer> {
    const form = await new Response(new Uint8Array(body), {
      headers: { "Content-Type": request.headers["content-type"] ?? "" },
    }).formData();
    const metadata = JSON.parse(form.get("metadata") as string) as ScriptMetadata;
    const missing = metadata.bindings
      .filter(({ type, queue_name }) => type === "queue" && !this.queues.has(String(queue_name)))
      .map(({ queue_name }) => queue_name);
    if (missing.length > 0) return { status: 400, error: { code: 10000, message: `No such queue: ${missing.join()}` } };
    // The platform's own words, which a deployment on the Free plan is given for `limits.cpu_ms`.
    if (metadata.limits)
      return { status: 400, error: { code: 100328, message: "CPU limits are not supported for the Free plan." } };
    const before = this.scripts.get(name);
    this.scripts.set(name, {
      metadata,
      modules: [...form.keys()].filter((key) => key !== "metadata"),
      secrets: before?.secrets ?? {},
      crons: before?.crons ?? [],
      migrationTag: metadata.migrations?.new_tag ?? before?.migrationTag,
      uploads: (before?.uploads ?? 0) + 1,
    });
    this.changes.push(`PUT script ${name}`);
    return {
      result: {
        id: name,
        etag: "e",
        deployment_id: "d",
        startup_time_ms: 5,
        available_on_subdomain: true,
        resources: { script: { etag: "e" }, script_runtime: {} },
      },
    };
  }

  #schedule([name = ""]: string[], body: Buffer): Answer {
    const script = this.scripts.get(name);
    if (!script) return NO_WORKER;
    script.crons = (JSON.parse(body.toString()) as { cron: string }[]).map(({ cron }) => cron);
    this.changes.push(`PUT schedules ${name}`);
    return { result: { schedules: script.crons } };
  }

  #putSecret([name = ""]: string[], body: Buffer): Answer {
    const script = this.scripts.get(name);
    if (!script) return NO_WORKER;
    const secret = JSON.parse(body.toString()) as { name: string; text: string };
    script.secrets[secret.name] = secret.text;
    this.changes.push(`PUT secret ${name} ${secret.name}`);
    return { result: { name: secret.name, type: "secret_text" } };
  }

  #queueList(name: string | undefined): unknown[] {
    return Array.from(this.queues, ([queue, consumer]) => ({
      queue_id: queue,
      queue_name: queue,
      producers: [],
      consumers: consumer ? [{ ...consumer, type: "worker", consumer_id: "c" }] : [],
    })).filter(({ queue_name }) => name === undefined || queue_name === name);
  }

  #createQueue(body: Buffer): Answer {
    const { queue_name: name } = JSON.parse(body.toString()) as { queue_name: string };
    if (this.queues.has(name)) return { status: 409, error: { code: 11009, message: `Queue ${name} is taken.` } };
    this.queues.set(name, undefined);
    this.changes.push(`POST queue ${name}`);
    return { result: { queue_id: name, queue_name: name, producers: [], consumers: [] } };
  }

  #putConsumer([, queue = ""]: string[], body: Buffer): Answer {
    const { script_name: script, ...consumer } = JSON.parse(body.toString()) as {
      script_name: string;
      dead_letter_queue?: string;
      settings: Record<string, number>;
    };
    const taken = this.queues.get(queue)?.script ?? script;
    if (taken !== script)
      return { status: 409, error: { code: 11004, message: `Queue ${queue} already has a consumer.` } };
    const { settings, dead_letter_queue } = consumer;
    this.queues.set(queue, { script, settings, ...(dead_letter_queue === undefined ? {} : { dead_letter_queue }) });
    this.changes.push(`PUT consumer ${queue} ${script}`);
    return { result: { queue_name: queue } };
  }

  #createNamespace(body: Buffer): Answer {
    const { title } = JSON.parse(body.toString()) as { title: string };
    const id = String(this.namespaces.length + 1).padStart(32, "0");
    this.namespaces.push({ id, title });
    this.changes.push(`POST namespace ${title}`);
    return { result: { id, title } };
  }
}

function secretsOf({ secrets }: Script): unknown {
  return Object.keys(secrets).map((name) => ({ name, type: "secret_text" }));
}

function deploymentsOf(): unknown {
  return { deployments: [{ id: "d", source: "wrangler", strategy: "percentage", versions: [] }] };
}

function serviceOf({ migrationTag }: Script): unknown {
  const script = { tag: "t", last_deployed_from: "wrangler", migration_tag: migrationTag };
  return { default_environment: { environment: "production", script } };
}

function settingsOf({ metadata }: Script): unknown {
  return { bindings: metadata.bindings };
}
