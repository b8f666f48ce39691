// What a requestId stands for (AIP-155). PERSISTED CONTRACT: it is stored, and crosses from Worker to RequestObject.

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
