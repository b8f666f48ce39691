// A deployment that serves webhooks, and the receivers of its events: every URI has an answer that a test chooses.
import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, vi } from "vitest";
import { type Env, type Method, operations } from "../../src/index";
import type { JsonObject } from "../../src/rpc/any";
import { webhooks } from "../../src/webhooks";
import { answerFrom } from "./a-deployment";
import { controls } from "./controls";

/** Of the deployment. */
export const SIGNING_KEY = `whsec_${btoa("a key of the deployment, 32 bytes")}`;

export interface ReceivedEvent {
  uri: string;
  headers: Record<string, string>;
  body: { type: string; timestamp: string; data: JsonObject & { operation: JsonObject } };
  text: string;
}

/** The receivers of a test. */
export class Receivers {
  readonly events: ReceivedEvent[] = [];
  /** The options of each request. */
  readonly options: RequestInit[] = [];
  /** By URI: how it answers. */
  readonly #answers = new Map<string, () => Response | Promise<Response>>();

  answer(uri: string, answer: () => Response | Promise<Response>): void {
    this.#answers.set(uri, answer);
  }

  receivedAt(uri: string): ReceivedEvent[] {
    return this.events.filter((event) => event.uri === uri);
  }

  async fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
    const request = new Request(input, init);
    this.options.push(init ?? {});
    const text = await request.clone().text();
    const headers = Object.fromEntries(request.headers);
    this.events.push({ uri: request.url, headers, text, body: JSON.parse(text) as ReceivedEvent["body"] });
    return this.#answers.get(request.url)?.() ?? new Response(null, { status: 204 });
  }
}

/** Receivers in the place of the internet. */
export function useReceivers(): { readonly current: Receivers } {
  const used = { current: new Receivers() };
  beforeEach(() => {
    used.current = new Receivers();
    vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => used.current.fetch(input, init));
  });
  afterEach(() => vi.restoreAllMocks());
  return used;
}

/** Throws where the signature is not the secret's. */
export function verify({ text, headers }: ReceivedEvent, secret: string = SIGNING_KEY): unknown {
  return new Webhook(secret).verify(text, headers);
}

export function aWebhookDeployment(methods: readonly Method[], variables: Partial<Env> = {}) {
  const worker = operations({ methods, webhooks: webhooks() });
  const environment: Env = { ...env, WEBHOOK_SIGNING_KEYS: SIGNING_KEY, ...variables };

  async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const request = new Request(`https://api.example${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return answerFrom(await worker.fetch(request, environment));
  }

  /** Delivers the oldest message of a kind that was sent, and sees its work through, unless its report is lost. */
  async function deliver(kind: "id" | "webhooks", { reports = true }: { reports?: boolean } = {}) {
    const index = controls.sent.findIndex((message) => kind in message);
    if (index < 0) throw new Error(`no message with ${kind} was sent`);
    const [body] = controls.sent.splice(index, 1);
    const message = { id: crypto.randomUUID(), timestamp: new Date(), attempts: 1, body };
    const context = createExecutionContext();
    const batch = createMessageBatch("edge-operations-webhooks", [message]);
    await worker.queue(batch, reports ? environment : withoutReports(environment), context);
    return getQueueResult(batch, context);
  }

  return { call, deliver, worker, environment };
}

/** Objects that are given no report. */
function withoutReports(environment: Env): Env {
  const { OPERATIONS } = environment;
  const get = (id: DurableObjectId) =>
    new Proxy(OPERATIONS!.get(id), {
      get: (stub, property) => {
        const value = Reflect.get(stub, property) as (report?: string) => Promise<unknown>;
        if (property !== "webhooks") return value;
        return (report?: string) => (report === undefined ? stub.webhooks() : Promise.reject(new Error("lost")));
      },
    });
  return {
    ...environment,
    OPERATIONS: { idFromString: (id: string) => OPERATIONS!.idFromString(id), get, getByName: true } as never,
  };
}

/** The lines that are logged from now on. */
export function logged(): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  for (const level of ["log", "warn", "error"] as const)
    vi.spyOn(console, level).mockImplementation((line: unknown) => {
      lines.push(line as Record<string, unknown>);
    });
  return lines;
}

/** Messages for the deliverer that were sent and not delivered. */
export function webhookMessages(): number {
  return controls.sent.filter((message) => "webhooks" in message).length;
}
