// The quota of starts in a day: a limit on storage if strangers may start operations (docs/access.md).
import { type Principal, isAnonymous } from "../iam/principal";
import { QUOTA_WINDOW_MS, MAX_SLOT_KEY_BYTES } from "../limits";
import { RpcError } from "../rpc/error";
import { retryInfo } from "../rpc/status";
import { sha256Hex } from "./digest";

/** The limits of one window. PERSISTED CONTRACT: it crosses from Worker to object. */
export interface QuotaLimits {
  operations?: number | undefined;
  /** Of requests and streamed bodies. */
  bytes?: number | undefined;
}

export interface StartQuota {
  /** Of each caller; a caller without credentials is the address from which the call comes. */
  perCaller?: QuotaLimits | undefined;
  /** Of all callers without credentials together, under one parent. */
  perParent?: QuotaLimits | undefined;
}

/** The spent part. PERSISTED CONTRACT: stored under `quota`. */
export interface Spending {
  /** When the window ends, in milliseconds since 1970. */
  endTime: number;
  operations: number;
  bytes: number;
}

export type SpendAnswer = { ok: true } | { ok: false; retryMs: number };

/** The spending with one start more, or undefined where that is too much. A window that is over counts no more. */
export function spendingWith(
  stored: Spending | undefined,
  { bytes, limits, now }: { bytes: number; limits: QuotaLimits; now: number },
): Spending | undefined {
  const current = stored && stored.endTime > now ? stored : { endTime: now + QUOTA_WINDOW_MS, operations: 0, bytes: 0 };
  const next = { ...current, operations: current.operations + 1, bytes: current.bytes + bytes };
  const { operations: maxOperations = Infinity, bytes: maxBytes = Infinity } = limits;
  return next.operations <= maxOperations && next.bytes <= maxBytes ? next : undefined;
}

export interface QuotaStore {
  spend(key: string, request: { bytes: number; limits: QuotaLimits }): Promise<SpendAnswer>;
}

/** Counts a start. Throws RESOURCE_EXHAUSTED where it is one too many. */
export type SpendQuota = (start: { parent: string; bytes: number }) => Promise<void>;

/** The quota of one caller; undefined where nothing is counted. Administrators are not counted. */
export function startQuota(
  store: QuotaStore,
  { quota, principal, address }: { quota: StartQuota; principal: Pick<Principal, "id" | "isAdmin">; address: string },
): SpendQuota | undefined {
  const { perCaller, perParent } = quota;
  if (principal.isAdmin || (!perCaller && !perParent)) return undefined;
  const spend = async (kind: string, text: string, bytes: number, limits: QuotaLimits): Promise<void> => {
    const answer = await store.spend(`quota/${kind}/${await sha256Hex(text)}`, { bytes, limits });
    if (!answer.ok) throw quotaExceeded(kind, answer.retryMs);
  };
  return async ({ parent, bytes }) => {
    const isStranger = isAnonymous(principal);
    // The caller's own first: a stranger who has none left uses up nothing of the others'.
    if (perCaller) await spend("caller", isStranger ? `address ${network(address)}` : principal.id, bytes, perCaller);
    if (perParent && isStranger) await spend("parent", parent, bytes, perParent);
  };
}

/** An IPv6 client has a whole /64 of addresses. */
function network(address: string): string {
  if (!address.includes(":")) return address;
  // "::" stands for as many groups of zeros as are missing of eight.
  const [head = "", tail] = address.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => "0");
  return [...before, ...(tail === undefined ? [] : zeros), ...after].slice(0, 4).join(":");
}

function quotaExceeded(kind: string, retryMs: number): RpcError {
  const seconds = Math.max(1, Math.ceil(retryMs / 1_000));
  const whose = kind === "caller" ? "You have" : "Callers without credentials have together";
  return new RpcError("RESOURCE_EXHAUSTED", `${whose} reached the limit of starts in a day. Try again later.`, {
    reason: "START_QUOTA_EXCEEDED",
    details: [retryInfo(seconds)],
    headers: { "Retry-After": String(seconds) },
    metadata: { quota: kind },
  });
}

/**
 * The key itself where it is short, so that operators can read it, and a digest where it is not: the platform does not tell
 * an object a name of more than 1,024 bytes, and a caller's id may be of any length. No plain key begins like a digest.
 */
export async function slotKey(kind: "run" | "caller", text: string): Promise<string> {
  const key = `${kind}/${text}`;
  return new TextEncoder().encode(key).length <= MAX_SLOT_KEY_BYTES ? key : `${kind}#${await sha256Hex(text)}`;
}
