// Reads of one operation that a snapshot may answer: where its object cannot be reached, or, if the deployment prefers
// nearness over read-after-delete, first of all. docs/consistency.md says what that means for clients.
import type { ReadAnswer, SnapshotAnswer } from "../contract/answer";
import { RpcError } from "../rpc/error";
import type { OperationReads, OperationStore, SnapshotStore } from "./ports";

/** Which is asked first for a finished operation: its object (`strong`), or the snapshot (`edge`). */
export type FinishedReads = "strong" | "edge";

export interface ReadPorts {
  store: Pick<OperationStore, "get" | "wait" | "watch">;
  snapshots: SnapshotStore;
  finishedReads: FinishedReads;
  /**
   * Whether what stands above the operation gives the caller the permission of the method. A snapshot knows no policy: who has the
   * right from the operation itself, or has none, is answered by the object alone, as if there were no snapshots.
   */
  isGranted(this: void, name: string): Promise<boolean>;
}

export function operationReads(ports: ReadPorts): OperationReads {
  const { store } = ports;
  return {
    get: (name) => read(ports, { name, ask: () => store.get(name) }),
    wait: (name, timeoutMs, options) =>
      read(ports, {
        name,
        ask: (readInstead) => store.wait(name, timeoutMs, { ...options, readInstead }),
      }),
    watch: (name, options) =>
      read(ports, { name, ask: (readInstead) => store.watch(name, { ...options, readInstead }) }),
  };
}

interface Read<Answer> {
  name: string;
  /** Asks the object, which also rejects. `readInstead` is for an ask that goes on where the object is not reached. */
  ask(this: void, readInstead: (() => Promise<ReadAnswer | undefined>) | undefined): Promise<Answer | undefined>;
}

async function read<Answer>(ports: ReadPorts, asked: Read<Answer>): Promise<Answer | SnapshotAnswer | undefined> {
  const isEdge = ports.finishedReads === "edge";
  const near = isEdge ? await snapshot(ports, asked) : undefined;
  if (near) return near;
  try {
    return await asked.ask(isEdge ? undefined : () => snapshot(ports, asked));
  } catch (error) {
    if (isEdge || RpcError.from(error).code !== "UNAVAILABLE") throw error;
    const instead = await snapshot(ports, asked);
    if (!instead) throw error;
    return instead;
  }
}

/** If a snapshot cannot be read, the object is still asked, and the caller still learns that it was not reached. */
async function snapshot(ports: ReadPorts, { name }: Pick<Read<unknown>, "name">): Promise<SnapshotAnswer | undefined> {
  try {
    return (await ports.isGranted(name)) ? await ports.snapshots.read(name) : undefined;
  } catch (error) {
    console.warn({ message: "snapshot not read", operation: name, error: String(error) });
    return undefined;
  }
}
