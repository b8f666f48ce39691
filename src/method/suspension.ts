// Suspensions as a handler declares them: its options, the two halves of one, and the error of one that nobody answered.
import type { DurationText } from "../aip/duration";
import { RpcError } from "../rpc/error";
import type { RequestSchema } from "./request-schema";

/** The options of `op.suspend` and `op.suspension`. */
export interface SuspensionOptions<T> {
  /** The question for the approver: at most 1,024 characters. All callers that may read the operation see it. */
  prompt?: string;
  /**
   * The type of the answer: a declared message, or a schema of zod, valibot, ArkType and others (Standard Schema), or a
   * function that returns the answer or throws. Absent: any JSON.
   */
  payload?: RequestSchema<T>;
  /** From now until it expires: `"3d"`. Default and maximum: the operation's deadline. */
  timeout?: DurationText;
}

/** A suspension that can be answered already. */
export interface Suspension<T> {
  /** Its resource name: `{operation}/suspensions/{id}`. */
  readonly name: string;
  /**
   * A link by which its holder may answer once, without credentials, until it expires: `POST` it `{ "payload": … }`. It is
   * a secret: send it to its receiver alone. Its host is that of the request that started the operation.
   */
  readonly resolveUri: string;
  /** When it expires. */
  readonly expireTime: Date;
  /** Waits for the answer. */
  answer(): Promise<T>;
}

/** A suspension was not answered in time. If a handler does not catch it, the operation ends with DEADLINE_EXCEEDED. */
export class SuspensionExpired extends RpcError {
  /** The name of the suspension. */
  readonly suspension: string;

  constructor(suspension: string) {
    super("DEADLINE_EXCEEDED", `The suspension ${JSON.stringify(suspension)} was not answered in time.`, {
      reason: "SUSPENSION_EXPIRED",
      metadata: { suspension },
    });
    this.suspension = suspension;
  }
}
