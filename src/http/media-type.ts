// Media types of requests and answers (RFC 9110).

export const JSON_TYPE = "application/json; charset=UTF-8";

export interface MediaType {
  /** Type and subtype in lower case: `text/csv`. */
  essence: string;
  /** The charset parameter in lower case, or undefined. */
  charset: string | undefined;
}

/** Takes a Content-Type apart; undefined where there is none. */
export function parseMediaType(contentType: string | null): MediaType | undefined {
  if (contentType === null || contentType.trim() === "") return undefined;
  const [essence = "", ...parameters] = contentType.split(";").map((part) => part.trim());
  const charset = parameters
    .map((parameter) => /^charset="?([^"]*)"?$/i.exec(parameter)?.[1])
    .find((value) => value !== undefined);
  return { essence: essence.toLowerCase(), charset: charset?.toLowerCase() };
}

export function isJson({ essence }: MediaType): boolean {
  return essence === "application/json" || essence === "text/json" || /^application\/[\w.-]+\+json$/.test(essence);
}
