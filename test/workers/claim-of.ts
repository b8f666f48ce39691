// The claim of a consumer, without one.
import type { ClaimAnswer } from "../../src/contract/direct-run";
import type { ObjectStub } from "../../src/queue/run-channel";

/** Claims the work of an operation by a call. */
export async function claimOf(stub: DurableObjectStub): Promise<ClaimAnswer & Disposable> {
  const answer = await (stub as unknown as ObjectStub).claim();
  if (!answer) throw new Error("there is no work to claim");
  return answer;
}
