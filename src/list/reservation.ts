// The reservation of a requestId (AIP-155). PERSISTED CONTRACT: it is stored, and crosses from Worker to index.

export interface Reservation {
  /** The operation that the requestId starts, reserved before it is started. */
  operationId: string;
  /** Milliseconds since 1970: of the first request, and so of the operation. */
  createTime: number;
  /** SHA-256 of the request as canonical JSON, hex. */
  bodyDigest: string;
  /** Whether the operation was created: one that is gone since was deleted. */
  created: boolean;
  /** SHA-256 of the streamed input, where there was one. */
  inputDigest?: string;
}

export type ReserveAnswer =
  | { ok: true; reservation: Reservation }
  /** The shard has no room for another requestId. */
  | { ok: false; refusal: "FULL" };

/** A reservation whose operation is created, as the operation names it to the index. */
export interface CreatedReservation {
  /** SHA-256 of caller, method, parent and requestId, hex. */
  key: string;
  inputDigest?: string;
}
