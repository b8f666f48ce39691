// Members of a policy (google.iam.v1.Binding.members), and the one form in which each is stored and compared.
import type { Decoded } from "../aip/resource-name";
import { MAX_QUOTED_CHARACTERS } from "../limits";
import { MAX_MEMBER_CHARACTERS } from "./iam-limits";

/** Every caller, with or without credentials. */
export const ALL_USERS = "allUsers";
/** Every authenticated caller. */
export const ALL_AUTHENTICATED_USERS = "allAuthenticatedUsers";

const FORMS =
  "allUsers, allAuthenticatedUsers, user:{email}, serviceAccount:{email}, group:{email}, domain:{domain}, " +
  "principal://{issuer}/{subject}, principalSet://{issuer}/group/{name}";

// member    = "allUsers" | "allAuthenticatedUsers" | kind ":" email | "domain:" domain
//           | "principal://" issuer path | "principalSet://" issuer [ path ] "/group/" name ;
// kind      = "user" | "serviceAccount" | "group" ;
// email     = local "@" domain ;
// domain    = label { "." label } "." label ;              (at least two labels, punycode)
// path      = "/" subject ;                                (visible ASCII; percent-encode what is not)

// ASCII alone. Other letters can become equal in lower case, so that one caller would pass for another.
const EMAIL_LOCAL_PART = /^[a-z0-9!#$%&'*+/=?^_`{|}~.-]+$/;
const DOMAIN = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const PRINCIPAL_SET = /^principalSet:\/\/([^/]+)\/((?:[\x21-\x7e]*\/)?group\/[\x21-\x2e\x30-\x7e]+)$/;
const PRINCIPAL = /^principal:\/\/([^/]+)\/([\x21-\x7e]+)$/;
const ISSUER = /^[A-Za-z0-9.-]+(?::\d{1,5})?$/;

const emailKinds = ["user", "serviceAccount", "group"] as const;
const knownPrefixes = [ALL_USERS, ALL_AUTHENTICATED_USERS, ...emailKinds.map((kind) => `${kind}:`), "domain:"];

/**
 * A member in its canonical form: e-mail addresses and domains in lower case, a principal's issuer too; its subject as it
 * was written.
 *
 * @example
 * decodeMember("user:Ada@Example.com") // { ok: true, value: "user:ada@example.com" }
 */
export function decodeMember(text: string): Decoded<string> {
  if (text.length > MAX_MEMBER_CHARACTERS)
    return refused(text, `a member has at most ${MAX_MEMBER_CHARACTERS} characters`);
  if (text === ALL_USERS || text === ALL_AUTHENTICATED_USERS) return { ok: true, value: text };
  if (text.startsWith("principal:")) return decodePrincipal(text);
  if (text.startsWith("principalSet:")) return decodePrincipalSet(text);
  const colon = text.indexOf(":");
  const kind = text.slice(0, Math.max(0, colon));
  const rest = asciiLowerCase(text.slice(colon + 1));
  if (kind === "domain") {
    if (DOMAIN.test(rest)) return { ok: true, value: `domain:${rest}` };
    return refused(text, 'needs a domain, like "domain:example.com"');
  }
  if (emailKinds.some((known) => known === kind)) {
    if (isEmail(rest)) return { ok: true, value: `${kind}:${rest}` };
    return refused(text, `needs an e-mail address in ASCII, like "${kind}:ada@example.com"`);
  }
  return refused(text, hint(text) ?? `must be one of ${FORMS}`);
}

function decodePrincipal(text: string): Decoded<string> {
  const [, issuer = "", subject = ""] = PRINCIPAL.exec(text) ?? [];
  if (ISSUER.test(issuer)) return { ok: true, value: `principal://${issuer.toLowerCase()}/${subject}` };
  return refused(
    text,
    'needs an issuer\'s host and a subject in visible ASCII, like "principal://issuer.example.com/subject/ada"',
  );
}

function decodePrincipalSet(text: string): Decoded<string> {
  const [, issuer = "", rest = ""] = PRINCIPAL_SET.exec(text) ?? [];
  if (ISSUER.test(issuer)) return { ok: true, value: `principalSet://${issuer.toLowerCase()}/${rest}` };
  return refused(
    text,
    'needs an issuer\'s host and path and a group in visible ASCII, like "principalSet://issuer.example.com/group/admins"',
  );
}

/** Not toLowerCase(), which turns some other letters into ASCII. */
function asciiLowerCase(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function isEmail(text: string): boolean {
  const [local = "", domain = "", ...more] = text.split("@");
  return more.length === 0 && local.length <= 64 && EMAIL_LOCAL_PART.test(local) && DOMAIN.test(domain);
}

function hint(text: string): string | undefined {
  if (text.startsWith("deleted:")) return "a deleted member cannot be granted anything; leave it out";
  const lower = asciiLowerCase(text);
  const meant = knownPrefixes.find((prefix) =>
    prefix.endsWith(":") ? lower.startsWith(prefix.toLowerCase()) : lower === prefix.toLowerCase(),
  );
  if (meant !== undefined) return `is written ${JSON.stringify(meant)}, in this case`;
  return isEmail(lower) ? `needs its kind before it: "user:${lower}", or serviceAccount: or group:` : undefined;
}

function refused(text: string, description: string): Decoded<string> {
  return { ok: false, description: `${JSON.stringify(text.slice(0, MAX_QUOTED_CHARACTERS))} ${description}` };
}
