// The suspensions of a handler: which stored one a call means, what became of it, and what is still to be stored.
import { durationTextToMs } from "../aip/duration";
import { MAX_PAYLOAD_SCHEMA_CHARACTERS, MAX_PROMPT_CHARACTERS, MAX_SUSPENSIONS } from "../limits";
import { isSuspensionId, resolveUriOf, suspensionIdRule, suspensionName } from "../contract/suspension";
import type { Claimed, ClaimedSuspension } from "../contract/run-channel";
import type { ReachedSuspension, SuspensionReport } from "../lifecycle/record";
import { misuse } from "../method/misuse";
import { requestJsonSchema } from "../method/request-json-schema";
import { type RequestSchema, decodeRequest } from "../method/request-schema";
import { type Suspension, SuspensionExpired, type SuspensionOptions } from "../method/suspension";
import { declaredMessage } from "../protobuf/refine";
import { type Json, type JsonObject, isJsonObject } from "../rpc/any";
import { RpcError } from "../rpc/error";
import { AnswerWait } from "./answer-wait";
import type { Replay } from "./replay";
import type { RunPorts } from "./run-ports";

/** The parts of an invocation that suspensions need. */
interface SuspensionInvocation {
  readonly claimed: Pick<Claimed, "name" | "origin" | "deadline" | "suspensions">;
  readonly ports: Pick<RunPorts, "now" | "largeValues" | "newSecret">;
  readonly replay: Replay;
  log(message: string, fields: JsonObject): void;
  fail(error: unknown): void;
}

type Resolution = NonNullable<ClaimedSuspension["resolution"]>;

/** A suspension that the handler has come to. */
interface Reached<T> {
  wait: AnswerWait<T>;
  /** Its second half, which the handler is given once it is stored. */
  handle(this: void): Suspension<T>;
}

/** The same, with what it takes to check an answer. */
interface Open {
  wait: AnswerWait;
  payload: RequestSchema<unknown> | undefined;
  /** The number of the resolution that is being checked, or was delivered or refused last. */
  seenNumber: number;
}

export class Suspensions {
  readonly #invocation: SuspensionInvocation;
  readonly #known: Map<string, ClaimedSuspension>;
  readonly #open = new Map<string, Open>();
  readonly #reports = new Map<string, SuspensionReport>();

  constructor(invocation: SuspensionInvocation) {
    this.#invocation = invocation;
    this.#known = new Map((invocation.claimed.suspensions ?? []).map((suspension) => [suspension.id, suspension]));
  }

  /** @throws RpcError, a misuse. */
  reach<T>(id: unknown, asked: SuspensionOptions<T>, { hasLink }: { hasLink: boolean }): Reached<T> {
    const options = Object(asked) as SuspensionOptions<T>;
    this.#checkId(id);
    const stored = this.#known.get(id);
    const reached = this.#reached(id, options, { stored: stored?.reached, hasLink });
    const wait = new AnswerWait<T>(id, {
      order: stored?.order,
      onAwaited: () => this.#invocation.replay.reconsider(),
      onOrder: (order) => this.#report(id, { order }),
    });
    this.#invocation.replay.addWait(wait as AnswerWait);
    const open: Open = { wait: wait as AnswerWait, payload: options.payload, seenNumber: 0 };
    this.#open.set(id, open);
    if (stored?.resolution) this.#resolve(open, stored.resolution);
    return { wait, handle: () => this.#handle(wait, reached) };
  }

  #checkId(id: unknown): asserts id is string {
    if (!isSuspensionId(id)) throw misuse(`op.suspend: ${suspensionIdRule}`);
    if (this.#open.has(id)) {
      throw misuse(
        `op.suspend: two suspensions of one operation have the name ${JSON.stringify(id)}. Give each its own, in a loop by a number.`,
      );
    }
    const isNew = !this.#known.get(id)?.reached;
    const count = [...this.#known.values()].filter(({ reached }) => reached).length + (isNew ? 1 : 0);
    const newOnes = [...this.#open.keys()].filter((open) => !this.#known.get(open)?.reached).length;
    if (count + newOnes > MAX_SUSPENSIONS) {
      throw misuse(
        `op.suspend: an operation has at most ${MAX_SUSPENSIONS} suspensions. Start another operation for more.`,
      );
    }
  }

  /** The handler's part of a suspension, reported where it is not stored yet. */
  #reached<T>(
    id: string,
    { prompt, payload, timeout }: SuspensionOptions<T>,
    { stored, hasLink }: { stored: ClaimedSuspension["reached"]; hasLink: boolean },
  ): NonNullable<ClaimedSuspension["reached"]> {
    checkPrompt(prompt);
    const { deadline } = this.#invocation.claimed;
    const expireTime =
      timeout === undefined ? deadline : Math.min(deadline, this.#invocation.ports.now() + timeoutMs(timeout));
    const needsToken = hasLink && stored?.linkToken === undefined;
    const linkToken = needsToken ? { linkToken: this.#invocation.ports.newSecret() } : {};
    if (stored && !needsToken) return stored;
    const schema = payload && schemaText(requestJsonSchema(declaredMessage(payload) ?? payload).schema);
    const reached: ReachedSuspension = {
      ...(prompt === undefined ? {} : { prompt }),
      expireTime: stored?.expireTime ?? expireTime,
      ...(schema === undefined ? {} : { payloadSchema: { json: schema } }),
      ...linkToken,
    };
    this.#report(id, { reached });
    return reached;
  }

  #handle<T>(wait: AnswerWait<T>, { expireTime, linkToken = "" }: NonNullable<ClaimedSuspension["reached"]>) {
    const { name, origin } = this.#invocation.claimed;
    return {
      name: suspensionName(name, wait.id),
      resolveUri: resolveUriOf({ origin, operation: name, id: wait.id, linkToken }),
      expireTime: new Date(expireTime),
      answer: () => wait.promise,
    };
  }

  /** Outcomes that came since the claim, and those that a new channel brings once more. */
  receive(suspensions: readonly ClaimedSuspension[]): void {
    for (const { id, resolution } of suspensions) {
      if (!resolution) continue;
      this.#known.set(id, { ...this.#known.get(id), id, resolution });
      const open = this.#open.get(id);
      if (open) this.#resolve(open, resolution);
    }
  }

  #resolve(open: Open, resolution: Resolution): void {
    const { wait } = open;
    const { time, number, isAnswered } = resolution;
    if (wait.isOver || open.seenNumber >= number) return;
    open.seenNumber = number;
    if (isAnswered) return void this.#check(open, resolution);
    wait.isOverBy({ time, number, settle: () => wait.reject(new SuspensionExpired(wait.id)) });
    this.#invocation.replay.reconsider();
  }

  /** Never throws. */
  async #check({ wait, payload }: Open, { time, number, payload: inline }: Resolution): Promise<void> {
    const checkEnds = this.#invocation.replay.checkBegins();
    try {
      const json = JSON.parse(inline ?? (await this.#invocation.ports.largeValues.answer(wait.id))) as Json;
      const settle = await this.#settlement(wait, payload, json);
      if (settle) wait.isOverBy({ time, number, settle });
      else this.#refuse(wait.id, number);
    } catch (error) {
      this.#invocation.fail(error);
    }
    checkEnds();
  }

  /** undefined: the schema does not accept the answer, and nobody has been given it. */
  async #settlement(
    wait: AnswerWait,
    payload: RequestSchema<unknown> | undefined,
    json: Json,
  ): Promise<(() => void) | undefined> {
    try {
      const value = payload ? await decodeRequest(payload, json as JsonObject) : json;
      return () => wait.resolve(value);
    } catch (error) {
      // The handler went on with this answer before, by another version of its schema.
      if (wait.order !== undefined) return () => wait.reject(error);
      this.#invocation.log("answer dropped: the method's schema does not accept it", {
        suspension: wait.id,
        fields: violatedFields(error),
      });
      return undefined;
    }
  }

  /** It is pending again. */
  #refuse(id: string, number: number): void {
    const { resolution: _, ...pending } = this.#known.get(id) ?? { id };
    this.#known.set(id, pending);
    this.#report(id, { refusedAnswer: number });
  }

  #report(id: string, told: Omit<SuspensionReport, "id">): void {
    this.#reports.set(id, { ...this.#reports.get(id), id, ...told });
  }

  /** Whether others are to see something that is not stored yet. */
  get hasUnsaved(): boolean {
    return [...this.#reports.values()].some(({ reached, refusedAnswer }) => reached || refusedAnswer !== undefined);
  }

  takeReports(): SuspensionReport[] {
    const reports = [...this.#reports.values()];
    this.#reports.clear();
    return reports;
  }
}

/** The parts of an answer that its schema does not accept, without their values. */
function violatedFields(error: unknown): string[] {
  const violations = RpcError.from(error).details.flatMap((detail) => detail["fieldViolations"] ?? []);
  return violations.flatMap((violation) => {
    const field = isJsonObject(violation) ? violation["field"] : undefined;
    return typeof field === "string" ? [field] : [];
  });
}

function checkPrompt(prompt: unknown): void {
  if (prompt === undefined) return;
  if (typeof prompt === "string" && prompt.length <= MAX_PROMPT_CHARACTERS && prompt.isWellFormed()) return;
  throw misuse(`op.suspend: a prompt is a text of at most ${MAX_PROMPT_CHARACTERS} characters of Unicode`);
}

function timeoutMs(timeout: unknown): number {
  const ms = typeof timeout === "string" ? durationTextToMs(timeout) : undefined;
  if (ms !== undefined) return ms;
  throw misuse('op.suspend: a timeout is a number and a unit ("90s", "1h", "3d")');
}

function schemaText(schema: JsonObject | undefined): string | undefined {
  const text = schema && JSON.stringify(schema);
  if (text === undefined || text.length <= MAX_PAYLOAD_SCHEMA_CHARACTERS) return text;
  throw misuse(
    `op.suspend: the JSON Schema of a payload has at most ${MAX_PAYLOAD_SCHEMA_CHARACTERS} characters; this has ${text.length}`,
  );
}
