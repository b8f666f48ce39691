// Path templates of google.api.http (google/api/http.proto), compiled to regular expressions on the encoded path.

export interface HttpTemplate {
  template: string;
  regexp: RegExp;
  /** Variable names in the order of their groups, which are named `v0`, `v1`, …: a field path is no name of a group. */
  variables: string[];
  /** The verb behind the colon, or the empty string. */
  verb: string;
}

// Template = "/" Segments [ Verb ] ;
// Segments = Segment { "/" Segment } ;
// Segment  = "*" | "**" | LITERAL | Variable ;
// Variable = "{" FieldPath [ "=" Segments ] "}" ;
// Verb     = ":" LITERAL ;

// In the path's last segment a raw colon begins the verb; before it, it is part of a name (`projects/example.com:p`). An
// empty segment is let through: it is the name that is wrong then, not the route.
const ONE_SEGMENT = "[^/]*";
const LAST_SEGMENT = "[^/:]*";

// Compiles "/v1/{name=**/operations/*}:cancel"; throws a SyntaxError that says where a template is malformed.
export function compileHttpTemplate(template: string): HttpTemplate {
  const variables: string[] = [];
  const [path, verb] = splitVerb(template);
  let rest = path;
  let pattern = "";
  do {
    const offset = path.length - rest.length;
    const match = /^\/(?:\{([a-zA-Z_][\w.]*)(?:=([^{}]+))?\}|([^/{}]+))/.exec(rest);
    if (!match) throw malformed(template, offset, `"/" and a segment or {variable}`);
    const [whole, variable, variableSegments, segment] = match;
    rest = rest.slice(whole.length);
    const segments = segmentsPattern(segment ?? variableSegments ?? "*", rest === "");
    if (segments === undefined) throw malformed(template, offset, `"*", "**" or a literal`);
    if (variable !== undefined && variables.includes(variable)) throw malformed(template, offset, "another variable");
    if (variable !== undefined) variables.push(variable);
    pattern += variable === undefined ? `/${segments}` : `/(?<v${variables.length - 1}>${segments})`;
  } while (rest !== "");
  const suffix = verb === "" ? "" : `:${escapeLiteral(verb)}`;
  return { template, regexp: new RegExp(`^${pattern}${suffix}$`), variables, verb };
}

function splitVerb(template: string): [path: string, verb: string] {
  const match = /^(.*):([^/:{}]+)$/.exec(template);
  return match ? [match[1]!, match[2]!] : [template, ""];
}

/** The verb of a path, as templates have it: what is behind the first colon of its last segment; empty without one. */
export function verbFromPath(path: string): string {
  const segment = path.slice(path.lastIndexOf("/") + 1);
  const colon = segment.indexOf(":");
  return colon === -1 ? "" : segment.slice(colon + 1);
}

function segmentsPattern(segments: string, endsPath: boolean): string | undefined {
  let pattern = "";
  const parts = segments.split("/");
  for (const [index, part] of parts.entries()) {
    const last = index === parts.length - 1;
    const slash = last ? "" : "/";
    // "**" is any number of segments, none included: then there is no slash behind it either.
    if (part === "**") pattern += last ? (endsPath ? `(?:.*/)?${LAST_SEGMENT}` : ".*") : "(?:.*/)?";
    else if (part === "*") pattern += (last && endsPath ? LAST_SEGMENT : ONE_SEGMENT) + slash;
    else if (part === "" || part.includes("*")) return undefined;
    else pattern += escapeLiteral(part) + slash;
  }
  return pattern;
}

function escapeLiteral(literal: string): string {
  return literal.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

function malformed(template: string, offset: number, expected: string): SyntaxError {
  return new SyntaxError(`http template ${JSON.stringify(template)}: expected ${expected} at ${offset}`);
}

/** The variables of a path, still percent-encoded; undefined where the template does not match it. */
export function matchHttpTemplate(template: HttpTemplate, path: string): Record<string, string> | undefined {
  const match = template.regexp.exec(path);
  return match ? variablesFromGroups(template, match.groups) : undefined;
}

/** The variables of a path that the template has matched, by the groups of that match. */
export function variablesFromGroups(
  { variables }: HttpTemplate,
  groups: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return Object.fromEntries(variables.map((variable, index) => [variable, groups[`v${index}`] ?? ""]));
}
