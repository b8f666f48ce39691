// A proxy before the service: it records the real requests of clients, and can shed load as the service does.
import { type IncomingMessage, type Server, type ServerResponse, createServer, request as forward } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { errorResponse } from "../../src/http/error-response";
import { unavailable } from "../../src/rpc/error";

export interface SeenRequest {
  method: string;
  /** Path and query, as they came. */
  target: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: string;
  status: number;
}

export class Front {
  readonly #server: Server;
  readonly #service: URL;
  readonly #requests: SeenRequest[] = [];
  readonly #repeated = Promise.withResolvers<never>();
  #toShed = 0;

  private constructor(service: string) {
    this.#service = new URL(service);
    this.#server = createServer((incoming, outgoing) => {
      this.#answer(incoming, outgoing).catch((error: unknown) => outgoing.destroy(error as Error));
    });
  }

  static async start(service: string): Promise<Front> {
    const front = new Front(service);
    // A scenario that does not read it must not fail by it.
    front.repeated.catch(() => {});
    const { promise, resolve } = Promise.withResolvers<void>();
    front.#server.listen(0, "127.0.0.1", resolve);
    await promise;
    return front;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The requests since the last call. */
  takeRequests(): SeenRequest[] {
    return this.#requests.splice(0);
  }

  /** Answers the next requests with the service's own 503. */
  shed(requests: number): void {
    this.#toShed = requests;
  }

  /** Fails once a client has asked for the same five times, and was answered. */
  get repeated(): Promise<never> {
    return this.#repeated.promise;
  }

  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeAllConnections();
    await promise;
  }

  async #answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = "", url: target = "", headers } = incoming;
    const body = await buffer(incoming);
    const seen = { method, target, headers, body: body.toString() };
    if (this.#toShed > 0) {
      this.#toShed -= 1;
      this.#requests.push({ ...seen, status: 503 });
      const response = errorResponse(unavailable("Try again.", 0), { domain: this.#service.hostname, requestId: "1" });
      outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text());
      return;
    }
    const { hostname, port } = this.#service;
    // Headers go on as they came, in their order and spelling: they are a part of what is tested.
    const forwarded = forward({ hostname, port, method, path: target, headers: incoming.rawHeaders }, (answer) => {
      this.#requests.push({ ...seen, status: answer.statusCode ?? 0 });
      const same = this.#requests.filter((request) => request.method === method && request.target === target);
      if (same.length >= 5) this.#repeated.reject(new Error(`it asks again and again: ${method} ${target}`));
      outgoing.writeHead(answer.statusCode ?? 0, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    forwarded.on("error", (error) => outgoing.destroy(error));
    forwarded.end(body);
  }
}
