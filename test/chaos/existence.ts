// Without the permission, an operation that exists and one that does not are answered alike (invariant "Isolated").
import { permissions } from "../../src/iam/permissions.ts";
import type { Caller, Guarded } from "./guarded.ts";

/** The methods on one operation, each with a body that it would take. */
const CALLS: [method: string, verb: string, body?: object][] = [
  ["GET", ""],
  ["HEAD", ""],
  ["DELETE", ""],
  ["PATCH", "", { metadata: { "@type": "type.googleapis.com/google.protobuf.Struct", value: {} } }],
  ["POST", ":cancel", {}],
  ["POST", ":wait", { timeout: "0.05s" }],
  ["GET", ":explain"],
  ["POST", ":retry", {}],
  ["POST", ":getIamPolicy", {}],
  ["POST", ":setIamPolicy", { policy: { bindings: [] } }],
  ["POST", ":testIamPermissions", { permissions }],
];

export interface Comparison {
  pairs: number;
  violations: string[];
}

/** Every caller without rights, every method: what exists against what was deleted, and against what never was. */
export async function compareAnswers(url: string, { callers, privateNames }: Guarded): Promise<Comparison> {
  const without = callers.filter(({ isAdmin }) => !isAdmin);
  const [first = ""] = privateNames;
  const absent = `${first.slice(0, first.lastIndexOf("/"))}/${"0".repeat(64)}`;
  const comparison: Comparison = { pairs: 0, violations: [] };
  for (const caller of without) {
    for (const call of CALLS) {
      const expected = await answer(url, caller, call, absent);
      for (const name of privateNames) {
        comparison.pairs += 1;
        const actual = await answer(url, caller, call, name);
        if (actual === expected) continue;
        comparison.violations.push(
          `${caller.name}, ${call[0]} ${call[1]}: of what exists ${actual}; of what does not ${expected}`,
        );
      }
    }
  }
  return comparison;
}

/** Status, headers and body, without the operation's name and without what differs from request to request. */
async function answer(
  url: string,
  { headers }: Caller,
  [method, verb, body]: (typeof CALLS)[number],
  name: string,
): Promise<string> {
  const response = await fetch(`${url}/v1/${name}${verb}`, {
    method,
    headers: { "Content-Type": "application/json", ...Object.fromEntries(headers) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const kept = [...response.headers].filter(([header]) => !VARYING_HEADERS.has(header));
  const text = `${response.status} ${JSON.stringify(kept)} ${await response.text()}`;
  return text.replaceAll(name, "NAME").replaceAll(name.slice(name.lastIndexOf("/") + 1), "ID");
}

const VARYING_HEADERS = new Set(["date", "content-length", "cf-ray", "x-request-id"]);
