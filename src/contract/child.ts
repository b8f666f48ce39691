// Child operations as they cross between a parent's runner, a parent's object and a child's object. PERSISTED CONTRACT.
import type { OperationRecord } from "../lifecycle/record";
import { MAX_CHILD_END_CHARACTERS } from "../limits";
import type { Status } from "../rpc/status";

/** A child that is written down before it is started, so that a replay starts the same one. */
export interface ReservedChild {
  key: string;
  /** Of its object. */
  id: string;
  /** Where it is not that of its parent operation. */
  parent?: string;
  method: string;
  createTime: number;
  /** It is not cancelled with its parent. */
  isDetached?: true;
}

/** How a child ended. Without a result: its response is large, and is read from its object. */
export interface ChildEnd {
  time: number;
  /** When the child is forgotten. */
  expireTime?: number;
  error?: Status;
  /** The JSON text of its Any. */
  response?: string;
  isDeleted?: true;
}

export interface StoredEnd extends ChildEnd {
  /** Of the child among its siblings. */
  place: number;
  /** Counts the ends, from 1. */
  number: number;
}

/** That a child has ended, without its outcome. */
export type EndedChild = Pick<StoredEnd, "place" | "time" | "number">;

export interface ClaimedChild extends ReservedChild {
  end?: Omit<EndedChild, "place">;
}

/** The calls between the objects of one family of operations. */
export interface FamilyCalls {
  /** A child has ended, or was deleted. */
  childEnded(parentOperation: string, child: { place: number; id: string }, end: ChildEnd): Promise<void>;
  /** Cancels a child with its parent; false: there is no such operation. */
  cancelChild(id: string): Promise<boolean>;
}

/** The message of a child that has ended or was deleted, for its parent. */
export function childEnd({ outcome, expireTime, endTime, deleteTime }: OperationRecord): ChildEnd {
  if (deleteTime !== undefined) return { time: deleteTime, isDeleted: true };
  const end = { time: endTime ?? 0, ...(expireTime === undefined ? {} : { expireTime }) };
  if (!outcome) throw new Error("a child that has not ended has no end to tell");
  if ("error" in outcome) {
    const { code, message, details = [] } = outcome.error;
    const isSmall = JSON.stringify(details).length <= MAX_CHILD_END_CHARACTERS;
    return { ...end, error: { code, message, ...(isSmall ? { details } : {}) } };
  }
  const isSmall = "response" in outcome && outcome.response.length <= MAX_CHILD_END_CHARACTERS;
  return isSmall ? { ...end, response: outcome.response } : end;
}
