// The service as its owner uses it, over plain HTTP: what starts and ends the operations that clients are shown.
import { json } from "../e2e/client";

export type Any = { "@type": string; [field: string]: unknown };
export type Result = { response: Any } | { error: { code: number; message: string; details?: Any[] } };

export interface RawOperation {
  name: string;
  done: boolean;
  metadata?: Any;
  response?: Any;
  error?: { code: number; message: string; details: Any[] };
}

export class Service {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** An operation whose work is done elsewhere: here. Without metadata it has the default one, a Struct. */
  create(parent: string, metadata?: Any): Promise<RawOperation> {
    const collection = parent === "" ? "operations" : `${parent}/operations`;
    return this.send(`/v1/${collection}`, json({ operation: metadata ? { metadata } : {} }));
  }

  /** Ends an operation. */
  finish({ name }: { name: string }, result: Result): Promise<RawOperation> {
    return this.send(`/v1/${name}?updateMask=${Object.keys(result).join(",")}`, {
      ...json(result),
      method: "PATCH",
    });
  }

  async createDone(parent: string, metadata: Any | undefined, result: Result): Promise<RawOperation> {
    return this.finish(await this.create(parent, metadata), result);
  }

  async send<T = RawOperation>(path: string, init?: RequestInit): Promise<T> {
    const response = await fetch(`${this.url}${path}`, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${init?.method ?? "GET"} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }
}
