// refunds:request: a refund waits for an approval, and nothing is held meanwhile.
import { type DurationText, defineMethod } from "edge-operations";
import * as pb from "edge-operations/protobuf";

const RefundRequest = pb.message("example.approvals.v1.RequestRefundRequest", {
  parent: pb.string(1, { required: true }),
  amountCents: pb.int32(2, { required: true }),
  reason: pb.string(3),
  approvalTimeout: pb.duration(4, { description: "How long the approval may take: 1h unless given." }),
});

const RefundResponse = pb.message("example.approvals.v1.RequestRefundResponse", {
  refunded: pb.bool(1),
  note: pb.string(2),
});

const Approval = pb.message("example.approvals.v1.Approval", {
  approved: pb.bool(1, { required: true }),
  note: pb.string(2, { description: "Why." }),
});

const checkedRefund = pb.refine(RefundRequest, ({ amountCents, reason = "", approvalTimeout = "3600s" }, violate) => {
  if (amountCents <= 0) violate(["amountCents"], "must be more than 0");
  if (approvalTimeout.startsWith("-")) violate(["approvalTimeout"], "must not be negative");
  return { amountCents, reason, approvalTimeout: approvalTimeout as DurationText };
});

export const requestRefund = defineMethod({
  http: { post: "/v1/{parent=projects/*}/refunds:request", body: "*" },
  request: checkedRefund,
  responseType: RefundResponse,
  timeout: "30d",
  async run({ amountCents, reason, approvalTimeout }, op) {
    // Not answered in time: SuspensionExpired ends the operation with DEADLINE_EXCEEDED, because nothing catches it.
    const { approved, note } = await op.suspend("approval", {
      prompt: `Refund ${amountCents} cents: ${reason}`,
      payload: Approval,
      timeout: approvalTimeout,
    });
    if (approved) {
      await op.step("pay", ({ signal }) => pay(op.name, amountCents, signal), {
        retry: { maxAttempts: 4, initialBackoff: "5s" },
        timeout: "30s",
      });
    }
    return { refunded: approved, note };
  },
});

/** A payment provider takes the operation's name as its idempotency key, so that a repeated step pays once. */
async function pay(idempotencyKey: string, amountCents: number, signal: AbortSignal): Promise<{ payment: string }> {
  // A call of the provider takes the signal, so that it ends with its try.
  signal.throwIfAborted();
  console.log({ message: "paid", idempotencyKey, amountCents });
  return { payment: idempotencyKey };
}
