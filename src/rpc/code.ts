// google.rpc.Code (google/rpc/code.proto) and its mapping to HTTP (AIP-193).

/** google.rpc.Code numbers by name. `OK` is left out: a Status in `Operation.error` is never OK. */
export const Code = {
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** A google.rpc.Code by name: `"NOT_FOUND"`. */
export type CodeName = keyof typeof Code;

export type CodeNumber = (typeof Code)[CodeName];

const codeNameByNumber = new Map<number, CodeName>(
  (Object.entries(Code) as [CodeName, CodeNumber][]).map(([name, number]) => [number, name]),
);

/** The name of a google.rpc.Code number, or undefined where the number is not one (0, 17, 1.5). */
export function codeNameFromNumber(number: number): CodeName | undefined {
  return codeNameByNumber.get(number);
}

/** HTTP status of each code: the comments of google/rpc/code.proto. */
export const httpStatusByCode = {
  CANCELLED: 499,
  UNKNOWN: 500,
  INVALID_ARGUMENT: 400,
  DEADLINE_EXCEEDED: 504,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  PERMISSION_DENIED: 403,
  RESOURCE_EXHAUSTED: 429,
  FAILED_PRECONDITION: 400,
  ABORTED: 409,
  OUT_OF_RANGE: 400,
  UNIMPLEMENTED: 501,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DATA_LOSS: 500,
  UNAUTHENTICATED: 401,
} as const satisfies Record<CodeName, number>;
