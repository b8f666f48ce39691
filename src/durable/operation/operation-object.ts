// OperationObject: one operation, the truth about it. The doors by which Worker, runner, index and time come to it.
import { DurableObject } from "cloudflare:workers";
import { MAX_WAITERS, UPLOAD_TIMEOUT_MS } from "../../limits";
import {
  ACCESS_HEADER,
  AWAITED_HEADER,
  type Absence,
  type Awaited,
  type EndSoon,
  type Explained,
  KNOWN_HEADER,
  NAME_HEADER,
  OUTPUT_HEADER,
  type OperationAnswer,
  type OutputAnswer,
  type StartAnswer,
  type StartOptions,
  type StreamedInput,
  type SuspensionsAnswer,
  WAIT_PATH,
  answerFromRecord,
} from "../../contract/answer";
import { type Access, hasLastingOwnRight, mayAccess, ownRequest } from "../../iam/access";
import { allowedPermissions } from "../../iam/evaluate";
import type { Permission } from "../../iam/permissions";
import { type Policy, emptyPolicy } from "../../iam/policy";
import { type SetPolicyRequest, type SetPolicyResult, setPolicy } from "../../iam/set-policy";
import type { NewOperation } from "../../lifecycle/new-operation";
import { explanation } from "../../operators/explanation";
import { type IndexRow, indexRowFromRecord } from "../../list/index-row";
import type { OperationRecord } from "../../lifecycle/record";
import { etag, isVisible, matchesEtag } from "../../contract/resource";
import { type RetrySource, retrySourceFrom } from "../../lifecycle/retry";
import { RUN_PATH } from "../../contract/run-channel";
import { httpErrorOf } from "../../lifecycle/emulation";
import { holdsSlot } from "../../lifecycle/slots";
import { isFinal } from "../../lifecycle/state";
import { type UpdateAnswer, type UpdateRequest, judgeUpdate } from "../../contract/update";
import type { WebhookWork } from "../../contract/webhook";
import { type ResolveAnswer, type ResolveRequest, isLinkOf } from "../../contract/suspension";
import type { ChildEnd, FamilyCalls } from "../../contract/child";
import type { ClaimAnswer } from "../../contract/direct-run";
import { withNamespaces } from "../namespaces";
import { doors } from "../webhook-doors";
import { type IndexPlace, placeOf } from "../index/index-name";
import type { OperationEnv } from "./operation-env";
import { AnswerDoor } from "./answer-door";
import { ChildDoor } from "./child-door";
import { OperationLife } from "./operation-life";
import { RunnerDoor } from "./runner-door";
import { StartDoor } from "./start-door";

export class OperationObject extends DurableObject<OperationEnv> implements FamilyCalls {
  readonly #life: OperationLife;
  readonly #starts: StartDoor;
  readonly #runnerDoor: RunnerDoor;
  #children: ChildDoor | undefined;
  /** The deletion that this object carried out last, for a caller to whom its answer was lost. */
  #deletion: { name: string; requestId: string | undefined } | undefined;

  constructor(ctx: DurableObjectState, env: OperationEnv) {
    super(ctx, withNamespaces(env));
    this.#life = new OperationLife(ctx, this.env, () => this.#runnerDoor.runDirectly());
    this.#starts = new StartDoor(this.#life, this.env);
    this.#runnerDoor = new RunnerDoor(this.#life);
  }

  get #answers(): AnswerDoor {
    return new AnswerDoor(this.#life);
  }

  // ── Starting ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Commits a new operation, its index row first. Repeating it gives the operation that is there. */
  async start(
    operation: NewOperation,
    request: string,
    input?: StreamedInput,
    options?: StartOptions,
  ): Promise<StartAnswer> {
    return this.#starts.start(operation, request, input, options);
  }

  /** The operation, for a repetition of its start; undefined if no visible operation has this name. */
  async started(name: string): Promise<OperationAnswer | undefined> {
    await this.#starts.underWay;
    const record = await this.#visible(name);
    return record && this.#life.answer(record);
  }

  // ── google.longrunning.Operations, one operation of it ────────────────────────────────────────────────────────────

  /** The operation as it stands. */
  async get(name: string, access: Access): Promise<OperationAnswer | Absence> {
    const seen = await this.#see(name, access);
    return typeof seen === "string" ? seen : this.#life.answer(seen);
  }

  /**
   * For a waiter: the end, if the operation has ended, or ends while the call is held. undefined: it goes on, and the waiter takes
   * a socket.
   */
  async endSoon(name: string, access: Access): Promise<EndSoon> {
    const seen = await this.#see(name, access);
    if (typeof seen === "string") return seen;
    if (isFinal(seen.state)) return this.#life.waitMessage(seen);
    // Most work ends at once. The waiter is judged again then.
    if (!this.#life.mayEndSoon(seen) || !(await this.#life.waiters.hold(this.#life.alarm.deferral))) return undefined;
    const record = await this.#see(name, access);
    if (typeof record === "string") return record;
    return isFinal(record.state) ? this.#life.waitMessage(record) : undefined;
  }

  /** The same, for an answer that says that polls are counted: what is scripted for this one happens. */
  async poll(name: string, access: Access): Promise<OperationAnswer | Absence> {
    const seen = await this.#see(name, access);
    if (typeof seen === "string") return seen;
    const isCounted = this.#life.apply({ type: "poll" }).ok;
    const record = this.#life.mustHaveRecord();
    const httpError = isCounted ? httpErrorOf(record) : undefined;
    if (!httpError) return this.#life.answer(record);
    return { ...answerFromRecord(record, "{}"), emulatedError: JSON.stringify(httpError) };
  }

  /** The output from an offset on. */
  async output(name: string, offset: number, access: Access): Promise<OutputAnswer | Absence> {
    const seen = await this.#see(name, access);
    if (typeof seen === "string") return seen;
    const { output } = this.#life.store;
    const part = output.read(offset);
    return { ...part, done: isFinal(seen.state) && part.nextOffset === output.end };
  }

  /** Asks the work to stop (AIP-151). */
  async cancel(name: string, access: Access): Promise<"OK" | Absence> {
    const seen = await this.#see(name, access);
    if (typeof seen === "string") return seen;
    // Refused where it is done: then nothing changes, and that is an answer too.
    this.#life.apply({ type: "cancel" }, access.requestId);
    return "OK";
  }

  /** Forgets the operation; work under way goes on unseen. */
  async delete(name: string, access: Access): Promise<"OK" | Absence> {
    if (!this.#isDeletedBy(name, access)) {
      const seen = await this.#see(name, access);
      if (typeof seen === "string") return seen;
      const { requestId } = access;
      this.#life.apply({ type: "delete", ...(requestId === undefined ? {} : { requestId }) }, requestId);
      this.#deletion = { name, requestId };
    }
    // Gone from the list, too, as soon as this is answered; where the index cannot be reached, as soon as it can.
    await this.#life.outboxPerformed("index");
    return "OK";
  }

  /** Whether an earlier try of the same call deleted it: the operation's own policy went with it, so it is not judged again. */
  #isDeletedBy(name: string, { isRepeated, requestId }: Access): boolean {
    if (!isRepeated || requestId === undefined) return false;
    const { record } = this.#life;
    const deletion = record ? { name: record.name, requestId: record.deleteRequestId } : this.#deletion;
    return deletion?.name === name && deletion.requestId === requestId;
  }

  /** Progress or completion from whoever does the work elsewhere (UpdateOperation). */
  async update(name: string, request: UpdateRequest, access: Access): Promise<UpdateAnswer | "DENIED"> {
    const record = await this.#see(name, access);
    if (record === "DENIED") return record;
    if (record === "NOT_FOUND") return { ok: false, refusal: record };
    const verdict = judgeUpdate(record, request, access);
    if (verdict !== "APPLY" && verdict !== "REPEATED") return { ok: false, refusal: verdict };
    if (verdict === "APPLY") this.#life.apply({ type: "update", update: request.update }, access.requestId);
    return { ok: true, answer: this.#life.answer(this.#life.mustHaveRecord()) };
  }

  // ── Suspensions ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** All suspensions. */
  async suspensions(name: string, access: Access): Promise<SuspensionsAnswer | Absence> {
    const seen = await this.#see(name, access);
    return typeof seen === "string" ? seen : this.#answers.list(seen);
  }

  /** One of them. */
  async suspension(name: string, id: string, access: Access): Promise<SuspensionsAnswer | Absence> {
    const seen = await this.#see(name, access);
    return typeof seen === "string" ? seen : (this.#answers.get(seen, id) ?? "NOT_FOUND");
  }

  /** Answers a suspension. `access`: undefined if the caller presents a link, which alone is judged. */
  async resolve(name: string, request: ResolveRequest, access: Access | undefined): Promise<ResolveAnswer | "DENIED"> {
    const record = access ? await this.#see(name, access) : await this.#linked(name, request);
    if (record === undefined || record === "DENIED") return "DENIED";
    if (record === "NOT_FOUND") return { ok: false, refusal: record };
    return this.#answers.resolve(record, request, access?.requestId);
  }

  /** Whether a link is that of a suspension here. */
  async holdsLink(name: string, link: Pick<ResolveRequest, "id" | "linkToken">): Promise<boolean> {
    return (await this.#linked(name, link)) !== undefined;
  }

  async #linked(
    name: string,
    { id, linkToken = "" }: Pick<ResolveRequest, "id" | "linkToken">,
  ): Promise<OperationRecord | undefined> {
    const record = await this.#visible(name);
    return isLinkOf(record, id, linkToken) ? record : undefined;
  }

  // ── Webhooks ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Gives events to the deliverer, or takes its report: a WebhookReport as JSON text. */
  async webhooks(report?: string): Promise<WebhookWork | undefined> {
    await this.#life.settle();
    return doors.operation?.(this.#life, report);
  }

  // ── Parents and children ──────────────────────────────────────────────────────────────────────────────────────────

  /** A child operation has ended, or was deleted. */
  async childEnded(parentOperation: string, child: { place: number; id: string }, end: ChildEnd): Promise<void> {
    await this.#life.settle();
    this.#children ??= new ChildDoor(this.#life);
    await this.#children.ended(parentOperation, child, end);
  }

  /** The parent operation is cancelled. False: there is no operation here. */
  async cancelChild(id: string): Promise<boolean> {
    await this.#life.settle();
    await this.#starts.underWay;
    const { record } = this.#life;
    // Refused where it is done or deleted: then nothing changes.
    if (record?.id === id) this.#life.apply({ type: "cancel" });
    return record !== undefined;
  }

  // ── For operators ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Why the operation is where it is. One that was deleted is explained while it is still about: it may hold a slot. */
  async explain(name: string, access: Access): Promise<Explained | Absence> {
    const seen = await this.#see(name, access);
    // An operation's own policy goes when it is deleted: what is left is what is granted above it.
    if (seen === "DENIED") return seen;
    const { record } = this.#life;
    if (!record || record.name !== name) return "NOT_FOUND";
    const live = await this.#life.liveFacts(record);
    return { json: JSON.stringify(explanation(record, live, Date.now())) };
  }

  /** The source of a retry, or the reason why it cannot be retried. */
  async retrySource(name: string, access: Access): Promise<RetrySource | Absence> {
    const seen = await this.#see(name, access);
    return typeof seen === "string" ? seen : retrySourceFrom(seen, this.#life.store.keptRequest());
  }

  /** The operation was retried as another one. Repeated for one retry, it changes nothing. */
  async noteRetry(name: string, by: string, access: Access): Promise<"OK" | Absence> {
    const seen = await this.#see(name, access);
    if (typeof seen === "string") return seen;
    if (!seen.retriedBy?.includes(by)) this.#life.apply({ type: "noteRetry", by });
    return "OK";
  }

  // ── google.iam.v1.IAMPolicy, one operation's ──────────────────────────────────────────────────────────────────────

  async getPolicy(name: string, access: Access): Promise<Policy | Absence> {
    const seen = await this.#see(name, access);
    return typeof seen === "string" ? seen : (seen.iamPolicy ?? emptyPolicy());
  }

  /** Nothing is awaited between reading and writing: of two that send the same etag, one is rejected. */
  async setPolicy(name: string, request: SetPolicyRequest, access: Access): Promise<SetPolicyResult | Absence> {
    const seen = await this.#see(name, access);
    if (typeof seen === "string") return seen;
    const current = seen.iamPolicy ?? emptyPolicy();
    const result = setPolicy(current, { ...request, isRepeated: access.isRepeated });
    if (!result.ok || result.policy === current) return result;
    this.#life.apply({ type: "setPolicy", policy: result.policy });
    // A waiter whose permission may have been revoked asks again, with its present permissions.
    this.#life.waiters.cut();
    return result;
  }

  /** The permissions that the operation itself grants; undefined if no operation has this name. */
  async testPermissions(
    name: string,
    permissions: readonly Permission[],
    principal: Access["principal"],
  ): Promise<Permission[] | undefined> {
    const record = await this.#visible(name);
    return record && allowedPermissions(ownRequest(principal, record, Date.now()), permissions);
  }

  /** The record, if the caller may have it; permission comes before existence. */
  async #see(name: string, access: Access): Promise<OperationRecord | Absence> {
    const record = await this.#visible(name);
    if (!mayAccess(access, record, Date.now())) return "DENIED";
    return record ?? "NOT_FOUND";
  }

  async #visible(name: string): Promise<OperationRecord | undefined> {
    await this.#life.settle();
    const { record } = this.#life;
    return record && record.name === name && isVisible(record, Date.now()) ? record : undefined;
  }

  /** Claims the work for a runner of the queue. undefined: it is done, claimed by another, not due, or deleted. */
  async claim(): Promise<ClaimAnswer | undefined> {
    return this.#runnerDoor.claim();
  }

  // ── The service's own parts ───────────────────────────────────────────────────────────────────────────────────────

  /**
   * For the index's alarm and the sweep: settles what is due, arms an alarm that was lost, and gives the row
   * as it should be, or undefined for none.
   */
  async reconcile(): Promise<IndexRow | undefined> {
    // Its row is written, its record not yet. If the answer denied the operation, the index would remove the row.
    if (this.#starts.underWay) throw new Error("the operation is still being started");
    await this.#life.settle({ isIndexCheck: true });
    const { record } = this.#life;
    if (!record || record.deleteTime !== undefined) return undefined;
    return indexRowFromRecord(record);
  }

  /** For the index, before it forgets a deletion: until when to leave it at that; undefined where nothing is left here. */
  async remainsUntil(): Promise<number | undefined> {
    await this.#life.settle();
    const { record } = this.#life;
    return record && indexRowFromRecord(record).dueTime;
  }

  /** The shard of the operation, for a reservation of an earlier version; undefined if the operation does not exist. */
  async indexPlace(): Promise<IndexPlace | undefined> {
    await this.#life.settle();
    const { record } = this.#life;
    return record && isVisible(record, Date.now()) ? placeOf(record) : undefined;
  }

  /** Whether an operation is here, whatever its name: a requestId is remembered as long as its operation. */
  async exists(): Promise<boolean> {
    await this.#life.settle();
    const { record } = this.#life;
    return record !== undefined && isVisible(record, Date.now());
  }

  /** A slot that this operation waits for is its own now. False: it does not want it any more. */
  async slotFreed(): Promise<boolean> {
    await this.#life.settle();
    // Refused where it runs already, by a message of its own.
    return this.#life.apply({ type: "slotFreed" }).ok || this.#life.record?.lease !== undefined;
  }

  /** Whether the slot of this key is in use here: while an attempt runs, or, the caller's own, until the end. */
  async holdsSlot(key: string): Promise<boolean> {
    await this.#life.settle();
    const { record } = this.#life;
    // Its caller's slot was taken before it: an upload may take longer than a holder is left unasked.
    if (!record) return this.#starts.underWay !== undefined;
    return holdsSlot(record, key);
  }

  override async fetch(request: Request): Promise<Response> {
    switch (`${request.method} ${new URL(request.url).pathname}`) {
      case `GET ${WAIT_PATH}`:
        return this.#wait(request);
      case `GET ${RUN_PATH}`:
        return this.#runnerDoor.open(request);
      default:
        return this.#runnerDoor.values(request);
    }
  }

  /** Hangs a waiter on a hibernatable socket, unless there is nothing to wait for. Accepting and testing are one event. */
  async #wait(request: Request): Promise<Response> {
    const name = decodeURIComponent(request.headers.get(NAME_HEADER) ?? "");
    const access = request.headers.get(ACCESS_HEADER);
    if (access === null) return new Response(null, { status: 403 });
    const caller = JSON.parse(decodeURIComponent(access)) as Access;
    const record = await this.#see(name, caller);
    if (typeof record === "string") return new Response(null, { status: record === "DENIED" ? 403 : 404 });
    const awaited = (request.headers.get(AWAITED_HEADER) ?? "end") as Awaited;
    const isKnown = matchesEtag(decodeURIComponent(request.headers.get(KNOWN_HEADER) ?? ""), etag(record));
    const answersAtOnce = isFinal(record.state) || (awaited === "change" && !isKnown);
    const outputBytes = awaited === "changes" ? this.#life.store.output.end : 0;
    if (answersAtOnce) {
      const headers = { [OUTPUT_HEADER]: String(outputBytes) };
      return Response.json(this.#life.waitMessage(record), { headers });
    }
    const { waiters } = this.#life;
    if (waiters.count() >= MAX_WAITERS) return new Response(null, { status: 503 });
    if (awaited !== "changes") return waiters.accept(awaited);
    return waiters.accept(awaited, {
      first: isKnown ? { type: "known" } : this.#life.waitMessage(record),
      hasOwnRight: hasLastingOwnRight(caller, record),
      outputBytes,
    });
  }

  override webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    return this.#runnerDoor.message(socket, data);
  }

  // A closed run channel ends no attempt: its runner may come back with its token, and its lease is shortened meanwhile.
  override async webSocketClose(socket: WebSocket, code: number): Promise<void> {
    // 1000 and 3000 to 4999 may be sent; with any other the peer is gone in any case.
    socket.close(code >= 3_000 && code <= 4_999 ? code : 1_000);
    await this.#socketLost(socket);
  }

  override async webSocketError(socket: WebSocket, error: unknown): Promise<void> {
    console.warn({ message: "socket failed", operation: this.#life.record?.name, error: String(error) });
    await this.#socketLost(socket);
  }

  async #socketLost(socket: WebSocket): Promise<void> {
    if (!this.#life.runner.isRunChannel(socket)) return;
    this.#life.runner.rememberClosed(socket);
    await this.#life.settle();
  }

  override async alarm(): Promise<void> {
    this.#life.alarm.fired();
    if (this.#life.record) return this.#life.settleAtAlarm();
    // An upload that never became an operation: erased, unless it is still coming in.
    if (this.#starts.underWay) await this.#life.alarm.arm(Date.now() + UPLOAD_TIMEOUT_MS);
    else if (this.#life.store.input.get(0)) await this.#life.store.eraseAll();
  }
}
