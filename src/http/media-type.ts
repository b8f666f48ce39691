// Media types of requests and answers (RFC 9110).

export const JSON_TYPE = "application/json; charset=UTF-8";

export interface MediaType {
  essence: string;
  charset: string | undefined;
  /** The header parameter of text/csv in lower case (RFC 4180, section 3), or undefined. */
  header: string | undefined;
}

export function parseMediaType(contentType: string | null): MediaType | undefined {
  if (contentType === null || contentType.trim() === "") return undefined;
  const [essence = "", ...parameters] = contentType.split(";").map((part) => part.trim());
  const valueOf = (name: string): string | undefined =>
    parameters
      .map(nameAndValue)
      .find(([key]) => key === name)?.[1]
      ?.toLowerCase();
  return { essence: essence.toLowerCase(), charset: valueOf("charset"), header: valueOf("header") };
}

/** `name="value"`, read by searches: a header may have thousands of spaces, which a pattern would try again and again. */
function nameAndValue(parameter: string): [name: string, value: string | undefined] {
  const equals = parameter.indexOf("=");
  if (equals < 0) return [parameter, undefined];
  const value = parameter.slice(equals + 1).trim();
  const inner = value.slice(value.startsWith('"') ? 1 : 0, value.length > 1 && value.endsWith('"') ? -1 : undefined);
  const name = parameter.slice(0, equals).trim().toLowerCase();
  return [name, inner.includes('"') ? undefined : inner.trim()];
}

export function isJson({ essence }: MediaType): boolean {
  return essence === "application/json" || essence === "text/json" || /^application\/[\w.-]+\+json$/.test(essence);
}
