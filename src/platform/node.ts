// `#cloudflare-workers` in Node, which runs methods in tests and serves no Worker.

/** The base of the objects' classes. */
export class DurableObject {
  readonly ctx: unknown;
  readonly env: unknown;

  constructor(ctx: unknown, env: unknown) {
    this.ctx = ctx;
    this.env = env;
  }
}

/** The base of entrypoints' classes. */
export class WorkerEntrypoint extends DurableObject {}

/** The base of values whose methods are called over RPC. */
export { DurableObject as RpcTarget };
