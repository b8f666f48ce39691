// google.rpc.Status (google/rpc/status.proto) as Operation.error has it, and the standard details of AIP-193.
import type { Any } from "./any";
import type { CodeNumber } from "./code";

/** google.rpc.Status in JSON: `code` is a google.rpc.Code number; `details` has each type once, and is not empty. */
export interface Status {
  code: CodeNumber;
  message: string;
  details?: Any[];
}

/** google.rpc.BadRequest.FieldViolation: `field` is a path in proto JSON form (`columns[2].name`). */
export interface FieldViolation {
  field: string;
  description: string;
}

export const ERROR_INFO_TYPE_URL = "type.googleapis.com/google.rpc.ErrorInfo";

/** google.rpc.ErrorInfo: `reason` is UPPER_SNAKE_CASE and constant for one cause, `metadata` holds the variable parts. */
export function errorInfo(reason: string, domain: string, metadata: Record<string, string>): Any {
  return { "@type": ERROR_INFO_TYPE_URL, reason, domain, metadata };
}

export function badRequest(fieldViolations: FieldViolation[]): Any {
  return {
    "@type": "type.googleapis.com/google.rpc.BadRequest",
    fieldViolations: fieldViolations.map(({ field, description }) => ({ field, description })),
  };
}

export function resourceInfo(resourceType: string, resourceName: string, description: string): Any {
  return {
    "@type": "type.googleapis.com/google.rpc.ResourceInfo",
    resourceType,
    resourceName,
    owner: "",
    description,
  };
}

/** google.rpc.RetryInfo: the client may try again after `delaySeconds`. */
export function retryInfo(delaySeconds: number): Any {
  return { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: `${delaySeconds}s` };
}

export function requestInfo(requestId: string): Any {
  return { "@type": "type.googleapis.com/google.rpc.RequestInfo", requestId, servingData: "" };
}
