// One request to the HTTP door of a deployment, and what comes back.
import { httpDoor } from "../../src/http/door";
import type { RequestLine } from "../../src/http/request-line";
import { echoWait } from "../../src/worker/echo-wait";
import type { Any } from "../../src/rpc/any";
import { type AService, aService } from "./a-service";

export interface DoorRequest extends AService {
  body?: BodyInit | undefined;
  headers?: Record<string, string>;
}

export interface DoorAnswer {
  status: number;
  headers: Headers;
  text: string;
  /** The body as JSON, where it is some. */
  json: Record<string, unknown>;
  error: { code: number; message: string; status: string; details: Any[] } | undefined;
  /** `reason` of the error's ErrorInfo. */
  reason: string | undefined;
  calls: unknown[][];
  /** The log line of the request. */
  lines: RequestLine[];
}

const door = httpDoor([echoWait]);

/** `knock("GET", "/v1/operations/1")` */
export async function knock(method: string, path: string, options: DoorRequest = {}): Promise<DoorAnswer> {
  const { body = null, headers = {}, ...service } = options;
  const { context, calls, gate } = aService(service);
  const init = { method, headers, body, duplex: "half" } as RequestInit;
  const lines: RequestLine[] = [];
  const response = await door(new Request(`https://api.example${path}`, init), {
    cors: () => ({ origins: [], credentials: false }),
    checkSetup: async () => [],
    log: (line) => lines.push(line),
    service: async () => {
      gate();
      return context;
    },
  });
  const text = await response.text();
  const json = (text.startsWith("{") ? JSON.parse(text) : {}) as Record<string, unknown>;
  const error = json["error"] as DoorAnswer["error"];
  const reason = error?.details[0]?.["reason"] as string | undefined;
  return { status: response.status, headers: response.headers, text, json, error, reason, calls, lines };
}
