// The requests of those who answer to an operation's object: its suspensions, and answers to them.
import type { SuspensionsAnswer } from "../../contract/answer";
import { type ResolveAnswer, type ResolveRequest, judgeResolve, suspensionJson } from "../../contract/suspension";
import type { OperationRecord, StoredSuspension } from "../../lifecycle/record";
import { schemaViolations } from "../../method/json-schema-check";
import type { Json, JsonObject } from "../../rpc/any";
import type { FieldViolation } from "../../rpc/status";
import type { OperationLife } from "./operation-life";
import type { OperationStorage } from "./operation-storage";

/** The part of an operation's life that answers need. */
export type AnsweredLife = Pick<OperationLife, "apply" | "mustHaveRecord"> & {
  readonly store: Pick<OperationStorage, "suspensionText">;
};

export class AnswerDoor {
  readonly #life: AnsweredLife;

  constructor(life: AnsweredLife) {
    this.#life = life;
  }

  /** In the order in which the work reached them, or they were answered. */
  list(record: OperationRecord): SuspensionsAnswer {
    const suspensions = (record.suspensions ?? []).map((suspension) => this.#json(record, suspension));
    return { json: JSON.stringify({ suspensions }) };
  }

  get(record: OperationRecord, id: string): SuspensionsAnswer | undefined {
    const suspension = record.suspensions?.find((one) => one.id === id);
    return suspension && { json: JSON.stringify(this.#json(record, suspension)) };
  }

  #json(record: OperationRecord, suspension: StoredSuspension): JsonObject {
    return suspensionJson(record, suspension, this.#life.store.suspensionText(suspension, "payloadSchema"));
  }

  /** Nothing is awaited between judging and storing: of two that answer at the same time, one is rejected. */
  resolve(record: OperationRecord, request: ResolveRequest, httpRequestId: string | undefined): ResolveAnswer {
    const { id, payload, digest, resolver } = request;
    const verdict = judgeResolve(record, request);
    if (verdict !== "APPLY" && verdict !== "REPEATED") return { ok: false, refusal: verdict };
    if (verdict === "APPLY") {
      const violations = this.#violations(record, id, payload);
      if (violations.length > 0) return { ok: false, refusal: "PAYLOAD_INVALID", violations };
      this.#life.apply({ type: "resolve", id, payload, digest, resolver }, httpRequestId);
    }
    const suspension = this.get(this.#life.mustHaveRecord(), id);
    if (!suspension) throw new Error("a suspension that was just answered is missing");
    return { ok: true, ...suspension };
  }

  /** An answer that comes before the work reaches its suspension is checked by the runner then. */
  #violations(record: OperationRecord, id: string, payload: string): FieldViolation[] {
    const suspension = record.suspensions?.find((one) => one.id === id);
    const schema = suspension && this.#life.store.suspensionText(suspension, "payloadSchema");
    if (schema === undefined) return [];
    return schemaViolations(JSON.parse(schema) as JsonObject, JSON.parse(payload) as Json, ["payload"]);
  }
}
