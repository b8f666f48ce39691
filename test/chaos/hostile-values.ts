// Values nobody should send: texts, JSON, filters, names. All of it follows from a Random, so that a seed repeats it.
import type { Random } from "../support/random.ts";
import type { Schema, Served } from "./served-routes.ts";

const TEXTS = [
  "",
  " ",
  "-",
  ".",
  "..",
  "*",
  "**",
  "null",
  "undefined",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "\u0000",
  "\u001b[31m",
  "\r\nX-Injected: 1",
  "\ud800",
  "\udc00 \ud800",
  "\u202e\u2066",
  "\ufeff",
  "é",
  "e\u0301",
  "𝕏".repeat(40),
  "ﷺ".repeat(30),
  "<script>alert(1)</script>",
  "'; DROP TABLE operations; --",
  '" OR 1=1 --',
  "%00",
  "%2F%2e%2e",
  "${7*7}",
  "{{7*7}}",
  "../../etc/passwd",
  "0",
  "-0",
  "-1",
  "1e309",
  "0x10",
  "1_000",
  "NaN",
  "9007199254740993",
  "18446744073709551616",
  "1s",
  "-1s",
  "1.0000000001s",
  "315576000001s",
  "2026-02-30T00:00:00Z",
  "0000-00-00T00:00:00Z",
  "9999-12-31T23:59:60Z",
  "+010000-01-01T00:00:00Z",
  "true",
  "TRUE",
  "operations/x",
  "projects/p",
  "type.googleapis.com/google.protobuf.Struct",
  "type.googleapis.com/google.protobuf.Empty",
  "allUsers",
  "roles/longrunning.admin",
  "application/json",
];

const LENGTHS = [63, 64, 65, 255, 1_024, 1_025, 4_097, 70_000];

export function hostileText(random: Random): string {
  if (random.chance(0.15)) return random.pick(["a", "é", "\u0001", "(", '"', "%"]).repeat(random.pick(LENGTHS));
  if (random.chance(0.2)) return randomUnits(random, 1 + random.below(24));
  return random.pick(TEXTS) + (random.chance(0.2) ? random.pick(TEXTS) : "");
}

/** Any UTF-16 units, lone surrogates among them. */
function randomUnits(random: Random, length: number): string {
  const bound = random.pick([0x80, 0x100, 0x1_0000]);
  return Array.from({ length }, () => String.fromCharCode(random.below(bound))).join("");
}

const NUMBERS = [
  "0",
  "-0",
  "1",
  "-1",
  "2147483648",
  "9007199254740993",
  "1e400",
  "-1e-400",
  "1.5",
  "100000000000000000000000",
];

/** A JSON text of any type. */
export function hostileJson(random: Random, depth = 0): string {
  const kind = random.below(depth > 3 ? 5 : 8);
  switch (kind) {
    case 0:
      return random.pick(["null", "true", "false"]);
    case 1:
    case 2:
      return random.pick(NUMBERS);
    case 3:
    case 4:
      return JSON.stringify(hostileText(random));
    case 5:
      return `[${Array.from({ length: random.below(4) }, () => hostileJson(random, depth + 1)).join(",")}]`;
    default:
      return `{${Array.from({ length: random.below(4) }, () => `${JSON.stringify(hostileText(random))}:${hostileJson(random, depth + 1)}`).join(",")}}`;
  }
}

/** A JSON text that the schema takes, but for the parts that are hostile. */
export function jsonOfSchema(
  random: Random,
  { schemas }: Pick<Served, "schemas">,
  schema: Schema,
  hostility: number,
  depth = 0,
): string {
  const inner = (one: Schema): string => jsonOfSchema(random, { schemas }, one, hostility, depth + 1);
  if (random.chance(hostility) || depth > 6) return hostileJson(random, depth);
  if (schema.$ref !== undefined) return inner(schemas[schema.$ref] ?? {});
  switch (schema.type) {
    case "object": {
      const properties = Object.entries(schema.properties ?? {}).filter(() => random.chance(0.5));
      const fields = properties.map(([name, one]) => `${JSON.stringify(spelled(random, name))}:${inner(one)}`);
      if (schema.additionalProperties)
        fields.push(`${JSON.stringify(random.pick(TEXTS))}:${inner(schema.additionalProperties)}`);
      if (random.chance(hostility)) fields.push(`${JSON.stringify(hostileText(random))}:${hostileJson(random, depth)}`);
      // Twice the same: the last one counts, or none does.
      if (random.chance(hostility) && fields[0] !== undefined) fields.push(fields[0]);
      return `{${fields.join(",")}}`;
    }
    case "array":
      return `[${Array.from({ length: random.below(3) }, () => inner(schema.items ?? {})).join(",")}]`;
    case "boolean":
      return random.pick(["true", "false"]);
    case "integer":
    case "number":
      return String(random.below(100));
    case "string":
      return JSON.stringify(plausibleText(random, schema));
    default:
      return random.pick([
        '{"@type":"type.googleapis.com/google.protobuf.Struct","value":{"a":1}}',
        '{"@type":"type.googleapis.com/example.v1.Thing","field":"x"}',
        '{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}',
        "{}",
      ]);
  }
}

function spelled(random: Random, name: string): string {
  return random.chance(0.1) ? name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : name;
}

/** Plausible values of a parameter or field of this schema. Durations are short: an echo is to end while the fuzz runs. */
export function plausibleText(random: Random, { format, enum: values, type }: Schema): string {
  if (values) return random.pick(values);
  if (type === "boolean") return random.pick(["true", "false"]);
  if (type === "integer") return String(random.below(50));
  switch (format) {
    case "google-duration":
      return random.pick(["0s", "0.1s", "1s", "2.5s"]);
    case "google-datetime":
      return random.pick(["2020-01-01T00:00:00Z", "2099-01-01T00:00:00.123456789Z"]);
    case "google-fieldmask":
      return random.pick(["metadata", "response", "error", "response,metadata", "bindings"]);
    default:
      return random.pick(["a", "request-1", "x-2", "roles/longrunning.viewer", "allUsers", "projects/p"]);
  }
}

const FILTER_TOKENS = [
  "AND",
  "OR",
  "NOT",
  "-",
  "(",
  ")",
  "=",
  "!=",
  "<",
  "<=",
  ">",
  ">=",
  ":",
  "*",
  ".",
  ",",
  '"',
  "'",
  "\\",
  "done",
  "error",
  "error.code",
  "error.details",
  "metadata",
  "metadata.@type",
  "response.value.x",
  "createTime",
  "expireTime",
  "name",
  "true",
  "false",
  "1",
  "-1.5e3",
  '"2026-01-01T00:00:00Z"',
  "30s",
  '"a*b"',
  "running",
  "f(x)",
  "é",
  "\u0000",
];

export function hostileFilter(random: Random): string {
  if (random.chance(0.1)) return "(".repeat(random.pick([1, 20, 200, 3_000]));
  if (random.chance(0.1))
    return Array.from({ length: random.pick([2, 50, 300]) }, () => "done = false").join(
      random.pick([" AND ", " OR ", " "]),
    );
  if (random.chance(0.1)) return `metadata${".a".repeat(random.pick([1, 30, 400]))} = 1`;
  const glue = random.pick([" ", " ", ""]);
  return Array.from({ length: 1 + random.below(12) }, () => random.pick(FILTER_TOKENS)).join(glue);
}

const SEGMENTS = [
  "p",
  "l",
  "global",
  "x",
  "-",
  "a.b",
  "a~b",
  "a b",
  "é",
  "%",
  ":",
  ":cancel",
  "operations",
  "projects",
];

export function idSegment(random: Random): string {
  return random.chance(0.7) ? random.pick(SEGMENTS.slice(0, 4)) : random.pick([...SEGMENTS, hostileText(random)]);
}
