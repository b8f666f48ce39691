// A receiver of webhooks on this machine, which verifies each event as its users would: by the published `standardwebhooks`.
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";

export interface ReceivedEvent {
  id: string;
  /** Seconds since 1970. */
  timestamp: number;
  type: string;
  operation: { name: string; done: boolean };
  userMetadata?: unknown;
}

export class WebhookReceiver {
  /** Verified events, in the order in which they came. */
  readonly events: ReceivedEvent[] = [];
  /** Requests that were not verified. */
  readonly refused: string[] = [];
  /** Requests that got no answer. */
  unanswered = 0;
  /** Whether it answers. */
  answers = true;
  readonly #server: Server;
  readonly #webhook: Webhook;

  private constructor(secret: string) {
    this.#webhook = new Webhook(secret);
    this.#server = createServer((request, response) => void this.#receive(request, response));
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    if (!this.answers) {
      this.unanswered += 1;
      return;
    }
    try {
      const headers = request.headers as Record<string, string>;
      const { type, data } = this.#webhook.verify(body, headers) as { type: string; data: ReceivedEvent };
      const id = headers["webhook-id"] ?? "";
      this.events.push({ ...data, type, id, timestamp: Number(headers["webhook-timestamp"]) });
      response.writeHead(204).end();
    } catch (error) {
      this.refused.push(`${String(error)}: ${body}`);
      response.writeHead(401).end();
    }
  }

  static async start(secret: string): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver(secret);
    await new Promise<void>((resolve) => receiver.#server.listen(0, "127.0.0.1", resolve));
    return receiver;
  }

  get uri(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/events`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
