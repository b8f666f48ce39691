// The checkpoints of a handler: the cursor from which it continues, and the storing of new ones.
import { MAX_CHECKPOINT_CHARACTERS } from "../limits";
import { jsonText } from "../method/json-text";
import { misuse } from "../method/misuse";
import type { Json } from "../rpc/any";
import type { Invocation } from "./invocation";

export class Checkpoints {
  readonly #invocation: Invocation;
  readonly #resumeFrom: Json | undefined;
  #cursor: string | undefined;
  #hasReadResumeFrom = false;
  #hasMovedCursor = false;

  constructor(invocation: Invocation) {
    this.#invocation = invocation;
    const { checkpoint } = invocation.claimed;
    this.#cursor = checkpoint;
    this.#resumeFrom = checkpoint === undefined ? undefined : (JSON.parse(checkpoint) as Json);
  }

  get resumeFrom(): Json | undefined {
    this.#hasReadResumeFrom = true;
    return this.#resumeFrom;
  }

  /** Whether the handler continued from a cursor, so that it does not reach its earlier calls again. */
  get haveMovedOn(): boolean {
    return this.#hasReadResumeFrom && this.#hasMovedCursor;
  }

  checkpoint(cursor: Json): Promise<void> {
    return new Promise<void>((resolve) => {
      if (this.#invocation.isClosed) return;
      const json = this.#invocation.orMisuse(() => cursorJson(cursor));
      this.#invocation.replay.checkpointBegins();
      void this.#save(json, resolve);
    });
  }

  async #save(json: string, resolve: () => void): Promise<void> {
    const { ports, replay } = this.#invocation;
    try {
      const message = { type: "saveCheckpoint", cursor: json, ...this.#invocation.takeMemory() } as const;
      if ((await ports.save(message)) === "stopped") return;
    } catch (error) {
      return this.#invocation.fail(error);
    }
    this.#hasMovedCursor ||= json !== this.#cursor;
    this.#cursor = json;
    replay.checkpointEnds({ isLate: this.#invocation.isLate, deliver: resolve });
  }
}

function cursorJson(cursor: Json): string {
  const json = jsonText("the cursor of op.checkpoint", cursor);
  if (json.length <= MAX_CHECKPOINT_CHARACTERS) return json;
  throw misuse(
    `op.checkpoint: a cursor has at most ${MAX_CHECKPOINT_CHARACTERS} characters of JSON; this has ${json.length}. Say where ` +
      "the work is, and keep what it has made elsewhere.",
  );
}
