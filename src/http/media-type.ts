// Media types of requests and answers (RFC 9110).

export const JSON_TYPE = "application/json; charset=UTF-8";

export interface MediaType {
  /** Type and subtype in lower case: `text/csv`. */
  essence: string;
  /** The charset parameter in lower case, or undefined. */
  charset: string | undefined;
  /** The header parameter of text/csv in lower case (RFC 4180, section 3), or undefined. */
  header: string | undefined;
}

/** Takes a Content-Type apart; undefined where there is none. */
export function parseMediaType(contentType: string | null): MediaType | undefined {
  if (contentType === null || contentType.trim() === "") return undefined;
  const [essence = "", ...parameters] = contentType.split(";").map((part) => part.trim());
  const valueOf = (name: string): string | undefined =>
    parameters
      .map((parameter) => /^([^=]*?)\s*=\s*"?([^"]*)"?$/.exec(parameter))
      .find((match) => match?.[1]?.toLowerCase() === name)?.[2]
      ?.trim()
      .toLowerCase();
  return { essence: essence.toLowerCase(), charset: valueOf("charset"), header: valueOf("header") };
}

export function isJson({ essence }: MediaType): boolean {
  return essence === "application/json" || essence === "text/json" || /^application\/[\w.-]+\+json$/.test(essence);
}
