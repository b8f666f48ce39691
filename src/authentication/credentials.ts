// Takes the credentials from a request: https://cloud.google.com/apis/docs/system-parameters, RFC 6750 sections 2.1 and
// 2.3.
import { badCredentials } from "./bad-credentials";

export interface Credentials {
  /** `Authorization: Bearer …`, or the query parameter `access_token` (`oauth_token` of old clients). */
  bearerToken: string | undefined;
  /** `x-goog-api-key`, or the query parameter `key`. */
  apiKey: string | undefined;
  /** The assertions of a proxy in front of the service, each by its header. */
  assertions: readonly { header: string; token: string }[];
}

/** An empty parameter or header is no credential: scripts with an unset variable send it beside a good one. */
export function credentialsOf(request: Request, assertionHeaders: Iterable<string>): Credentials {
  const { headers, url } = request;
  const { searchParams } = new URL(url);
  const parameters = (...names: string[]): string[] =>
    // With and without `$`, as all system parameters.
    names
      .flatMap((name) => [name, `$${name}`])
      .flatMap((name) => searchParams.getAll(name))
      .filter((value) => value !== "");
  const authorization = headers.get("Authorization") ?? "";
  const keyHeader = headers.get("x-goog-api-key") ?? "";
  return {
    bearerToken: onlyOne([
      ...(authorization === "" ? [] : [bearerTokenFromHeader(authorization)]),
      ...parameters("access_token", "oauth_token"),
    ]),
    apiKey: onlyOne([...(keyHeader === "" ? [] : [keyHeader]), ...parameters("key")]),
    assertions: [...new Set(assertionHeaders)].flatMap((header) => {
      const token = headers.get(header) ?? "";
      return token === "" ? [] : [{ header, token }];
    }),
  };
}

function bearerTokenFromHeader(value: string): string {
  const [scheme = "", ...rest] = value.trim().split(/ +/);
  if (scheme.toLowerCase() !== "bearer") throw badCredentials("AUTHORIZATION_SCHEME_UNSUPPORTED");
  if (rest.length !== 1) throw badCredentials("CREDENTIALS_MALFORMED");
  return rest[0] ?? "";
}

/** The same value may be given twice. The service does not guess between two different ones. */
function onlyOne(values: readonly string[]): string | undefined {
  const distinct = new Set(values);
  if (distinct.size > 1) throw badCredentials("CREDENTIALS_AMBIGUOUS");
  return values[0];
}
