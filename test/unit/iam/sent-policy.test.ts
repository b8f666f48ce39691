import { describe, expect, test } from "vitest";
import { iamPolicy } from "../../../src/api/iam-policy";
import { SetIamPolicyRequest } from "../../../src/api/messages/iam";
import { decodeMessage } from "../../../src/http/decode-message";
import { sentPolicy, withinBindingCount } from "../../../src/iam/sent-policy";
import type { Json } from "../../../src/rpc/any";
import { Violations } from "../../../src/rpc/decode";
import { rpcErrorOf, violatedFields, violationsOf } from "../../support/an-rpc-error";

const VIEWER = "roles/longrunning.viewer";
const ADMIN = "roles/longrunning.admin";
const ada = "user:ada@example.com";

function decode(json: Json) {
  const violations = new Violations();
  const policy = sentPolicy(
    decodeMessage(SetIamPolicyRequest, withinBindingCount({ policy: json })).policy,
    "policy",
    violations,
  );
  violations.throwIfAny();
  return policy;
}

function members(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `user:u${index}@example.com`);
}

function condition(index: number): Json {
  return { expression: `resource.name.endsWith("${index}")` };
}

function conditional(count: number): Json[] {
  return Array.from({ length: count }, (_, index) => ({ role: VIEWER, members: [ada], condition: condition(index) }));
}

describe("sentPolicy", () => {
  test.each<[string, Json, object]>([
    ["an empty one", {}, { version: 0, bindings: [], etag: undefined }],
    ["nulls as defaults", { version: null, bindings: null, etag: null }, { version: 0, bindings: [], etag: undefined }],
    ["version 1", { version: 1 }, { version: 1 }],
    ["version 3", { version: 3 }, { version: 3 }],
    ["a version as a string", { version: "3" }, { version: 3 }],
    ["an etag without padding", { etag: "BwWWja0YfJA" }, { etag: "BwWWja0YfJA=" }],
    ["an empty etag as none", { etag: "" }, { etag: undefined }],
    [
      "members in canonical form, none twice",
      { bindings: [{ role: VIEWER, members: ["user:Ada@Example.com", ada] }] },
      { bindings: [{ role: VIEWER, members: [ada] }] },
    ],
    [
      "a binding without members as none",
      { bindings: [{ role: VIEWER }, { role: VIEWER, members: [] }] },
      { bindings: [] },
    ],
    [
      "two bindings of one role as one",
      {
        bindings: [
          { role: VIEWER, members: [ada] },
          { role: ADMIN, members: [ada] },
          { role: VIEWER, members: ["allUsers", ada] },
        ],
      },
      {
        bindings: [
          { role: VIEWER, members: [ada, "allUsers"] },
          { role: ADMIN, members: [ada] },
        ],
      },
    ],
    ["bindings of one role under two conditions as two", { bindings: conditional(2) }, { bindings: conditional(2) }],
    [
      "a condition with all its fields",
      {
        bindings: [
          {
            role: VIEWER,
            members: [ada],
            condition: { expression: "true", title: "t", description: "d", location: "l" },
          },
        ],
      },
      { bindings: [{ condition: { expression: "true", title: "t", description: "d", location: "l" } }] },
    ],
    [
      "a condition without its empty fields",
      { bindings: [{ role: VIEWER, members: [ada], condition: { expression: "true", title: "", description: null } }] },
      { bindings: [{ role: VIEWER, members: [ada], condition: { expression: "true" } }] },
    ],
    [
      "1,500 members over all bindings",
      {
        bindings: [
          { role: VIEWER, members: members(1_499) },
          { role: ADMIN, members: members(1) },
        ],
      },
      {},
    ],
    ["no audit configuration, as terraform writes it", { auditConfigs: [] }, { bindings: [] }],
    ["a null audit configuration", { auditConfigs: null }, { bindings: [] }],
    ["50 conditions", { bindings: conditional(50) }, {}],
  ])("accepts %s", (_, json, expected) => {
    expect(decode(json)).toMatchObject(expected);
  });

  test.each<[string, Json, string[]]>([
    ["a list", [], ["policy"]],
    ["a string", "x", ["policy"]],
    ["an unknown field", { rules: [] }, ["policy.rules"]],
    ["an audit configuration", { auditConfigs: [{ service: "allServices" }] }, ["policy.auditConfigs"]],
    ["an audit configuration that is no list", { auditConfigs: {} }, ["policy.auditConfigs"]],
    ["an unknown field of a hostile name", JSON.parse('{"__proto__":{}}') as Json, ["policy.__proto__"]],
    ["version 2", { version: 2 }, ["policy.version"]],
    ["a negative version", { version: -1 }, ["policy.version"]],
    ["a version that is no number", { version: "x" }, ["policy.version"]],
    ["a version that is an object", { version: {} }, ["policy.version"]],
    ["an etag that is no string", { etag: 1 }, ["policy.etag"]],
    ["an etag that is no base64", { etag: "*" }, ["policy.etag"]],
    ["an etag that is longer than any", { etag: "A".repeat(100) }, ["policy.etag"]],
    ["bindings that are no list", { bindings: {} }, ["policy.bindings"]],
    ["a binding that is no object", { bindings: [1] }, ["policy.bindings[0]"]],
    ["an unknown field of a binding", { bindings: [{ role: VIEWER, member: "x" }] }, ["policy.bindings[0].member"]],
    ["no role", { bindings: [{ members: [ada] }] }, ["policy.bindings[0].role"]],
    ["an unknown role", { bindings: [{ role: "roles/owner", members: [ada] }] }, ["policy.bindings[0].role"]],
    ["a role that is no string", { bindings: [{ role: 1, members: [ada] }] }, ["policy.bindings[0].role"]],
    [
      "a role that stands for one with a condition",
      { bindings: [{ role: `${VIEWER}_withcond_0123456789abcdef`, members: [ada] }] },
      ["policy.bindings[0].role"],
    ],
    ["members that are no list", { bindings: [{ role: VIEWER, members: ada }] }, ["policy.bindings[0].members"]],
    [
      "two malformed members, each named",
      { bindings: [{ role: VIEWER, members: ["ada", ada, "bob"] }] },
      ["policy.bindings[0].members[0]", "policy.bindings[0].members[2]"],
    ],
    [
      "a member that is no string",
      { bindings: [{ role: VIEWER, members: [ada, 1] }] },
      ["policy.bindings[0].members[1]"],
    ],
    [
      "a condition that is no object",
      { bindings: [{ role: VIEWER, members: [ada], condition: "true" }] },
      ["policy.bindings[0].condition"],
    ],
    [
      "a condition without an expression",
      { bindings: [{ role: VIEWER, members: [ada], condition: {} }] },
      ["policy.bindings[0].condition.expression"],
    ],
    [
      "a condition that does not compile",
      { bindings: [{ role: VIEWER, members: [ada], condition: { expression: "request.time <" } }] },
      ["policy.bindings[0].condition.expression"],
    ],
    [
      "an expression that is no string",
      { bindings: [{ role: VIEWER, members: [ada], condition: { expression: true } }] },
      ["policy.bindings[0].condition.expression"],
    ],
    [
      "a condition's fields that are too long",
      {
        bindings: [
          {
            role: VIEWER,
            members: [ada],
            condition: {
              expression: "true",
              title: "x".repeat(101),
              description: "x".repeat(257),
              location: "x".repeat(257),
            },
          },
        ],
      },
      [
        "policy.bindings[0].condition.title",
        "policy.bindings[0].condition.description",
        "policy.bindings[0].condition.location",
      ],
    ],
    [
      "a condition's field that is no string, and one that it does not have",
      { bindings: [{ role: VIEWER, members: [ada], condition: { expression: "true", location: 1, name: "" } }] },
      ["policy.bindings[0].condition.name", "policy.bindings[0].condition.location"],
    ],
    [
      "1,501 members over all bindings",
      {
        bindings: [
          { role: VIEWER, members: members(1_500) },
          { role: ADMIN, members: members(1) },
        ],
      },
      ["policy.bindings"],
    ],
    ["1,501 bindings", { bindings: Array.from({ length: 1_501 }, () => ({ role: VIEWER })) }, ["policy.bindings"]],
    ["51 conditions", { bindings: conditional(51) }, ["policy.bindings"]],
  ])("rejects %s", async (_, json, fields) => {
    const error = await rpcErrorOf(() => decode(json));

    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(violatedFields(error.details)).toEqual(fields);
  });

  test("explains how to read a policy whose conditions were omitted", async () => {
    const error = await rpcErrorOf(() =>
      decode({ bindings: [{ role: `${VIEWER}_withcond_0123456789abcdef`, members: [ada] }] }),
    );

    expect(violationsOf(error.details)[0]?.description).toContain("options.requestedPolicyVersion=3");
  });
});

test("sentPolicy counts bindings before it decodes them", async () => {
  const row = iamPolicy.find(({ name }) => name === "google.iam.v1.IAMPolicy.SetIamPolicy");
  // No binding of them could be decoded.
  const bindings = Array.from({ length: 100_000 }, () => 1);

  const error = await rpcErrorOf(() => row?.select?.({ policy: { bindings } }, "projects/p"));
  expect(violatedFields(error.details)).toEqual(["policy.bindings"]);
});
