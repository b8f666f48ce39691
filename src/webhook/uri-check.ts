// The check of a webhook's URI: the host must be one of the public internet, told by its name alone. Where the name leads is
// the resolver's to say; the platform's `fetch` reaches no private network (docs/webhooks.md).
import { MAX_WEBHOOK_URI_CHARACTERS } from "./limits";

export interface UriRules {
  /** Open mode: plain http and any port are allowed to this machine. */
  allowsLoopback: boolean;
  /** WEBHOOK_HOSTS: `example.com`, `*.example.com`, each with or without a port; undefined: every public host. */
  hosts: readonly string[] | undefined;
}

/** The port of https, and its usual alternative. WEBHOOK_HOSTS may name others. */
const PORTS: ReadonlySet<string> = new Set(["", "8443"]);
/** RFC 6761, 6762, 7686, 8375, 9476, and names that networks use for themselves (ICANN: .internal, .home, .corp, .mail). */
const PRIVATE_DOMAINS =
  /\.(?:localhost|local|localdomain|internal|intranet|private|lan|home|corp|mail|home\.arpa|arpa|test|invalid|example|onion|alt)$/;
const LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** Why a webhook cannot have this URI; undefined: it can. */
export function uriProblem(text: string, { allowsLoopback, hosts }: UriRules): string | undefined {
  if (text.length > MAX_WEBHOOK_URI_CHARACTERS) return `has more than ${MAX_WEBHOOK_URI_CHARACTERS} characters`;
  // URL parsers drop tabs and line breaks, take a backslash for a slash, and turn other letters into these.
  if (!/^[!-~]+$/.test(text) || text.includes("\\"))
    return "has characters that no URI has; write the host of another alphabet as xn--… and percent-encode the rest";
  // Some parsers add slashes that are missing, or find a host where the text has no host.
  if (!/^https?:\/\/[^/?#]/i.test(text) || !URL.canParse(text))
    return "must be a URI like https://hooks.example.com/path";
  const { protocol, username, password, hostname, port, hash } = new URL(text);
  if (username !== "" || password !== "" || /^[^/]*\/\/[^/?#]*@/.test(text))
    return "must not have a user or a password";
  if (hash !== "" || text.includes("#")) return "must not have a fragment, which is never sent";
  if (allowsLoopback && LOOPBACK.test(hostname)) return undefined;
  if (protocol !== "https:") return "must begin with https://";
  return hostProblem(hostname) ?? listProblem(hostname, port, hosts);
}

/** `hostname`: as the URL parser gives it, lower-case, and an IPv4 address in whichever spelling as four numbers. */
function hostProblem(hostname: string): string | undefined {
  if (hostname.startsWith("[")) return "must name a host, not an IP address";
  if (hostname.endsWith(".")) return "must not have a host that ends with a dot";
  const labels = hostname.split(".");
  // The top-level domain of no name is a number (RFC 3696, section 2), however it is written.
  if (/^(?:\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? "")) return "must name a host, not an IP address";
  if (labels.length < 2) return "must have a host of at least two labels, like hooks.example.com";
  if (hostname.length > 253 || !labels.every((label) => LABEL.test(label)))
    return "must have a host of letters, digits and hyphens, divided by dots";
  if (PRIVATE_DOMAINS.test(`.${hostname}`)) return "must have a host of the public internet";
  return undefined;
}

function listProblem(hostname: string, port: string, hosts: UriRules["hosts"]): string | undefined {
  if (hosts === undefined) return PORTS.has(port) ? undefined : "must have the port 443 or 8443";
  const isListed = hosts.some((entry) => {
    const [, host = "", listedPort = ""] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
    if (listedPort === "" ? !PORTS.has(port) : (port || "443") !== listedPort) return false;
    return host.startsWith("*.") ? hostname.endsWith(host.slice(1)) : hostname === host;
  });
  return isListed ? undefined : "must have a host that the deployment allows (WEBHOOK_HOSTS)";
}

/** An entry of WEBHOOK_HOSTS. */
export function isHostEntry(text: string): boolean {
  const [, host = ""] = /^(?:\*\.)?([a-z0-9.-]+)(?::\d{1,5})?$/.exec(text) ?? [];
  return host !== "" && hostProblem(host) === undefined;
}
