import { describe, expect, test } from "vitest";
import { policyJson, type Binding, emptyPolicy, policyFromBindings } from "../../../src/iam/policy";

const viewers: Binding = { role: "roles/longrunning.viewer", members: ["user:ada@example.com"] };
const expiring: Binding = { ...viewers, condition: { expression: "true", title: "t" } };
const plain = policyFromBindings([viewers], 1);
const conditional = policyFromBindings([viewers, expiring], 1);

describe("policyJson", () => {
  test.each([0, 1, 3])("returns a policy without conditions as version 1 when %d is requested", (version) => {
    expect(policyJson(plain, version)).toEqual({ version: 1, bindings: [viewers], etag: plain.etag });
  });

  test("returns conditions when version 3 is requested", () => {
    expect(policyJson(conditional, 3)).toEqual({ version: 3, bindings: [viewers, expiring], etag: conditional.etag });
  });

  test.each([0, 1])("omits conditions and marks their roles when %d is requested", (version) => {
    const role = expect.stringMatching(/^roles\/longrunning\.viewer_withcond_[0-9a-f]{16}$/) as string;

    expect(policyJson(conditional, version)).toEqual({
      version: 1,
      bindings: [viewers, { role, members: viewers.members }],
      etag: conditional.etag,
    });
  });

  test("marks two conditions with two roles", () => {
    const other: Binding = { ...viewers, condition: { expression: "false", title: "t" } };
    const { bindings } = policyJson(policyFromBindings([expiring, other], 1), 1);

    expect(new Set((bindings as unknown as Binding[]).map(({ role }) => role)).size).toBe(2);
  });

  // "etag (canonical padded base64, also in an empty policy)"
  test("returns an empty policy with an etag", () => {
    const etag = expect.stringMatching(/^[A-Za-z0-9+/]{11}=$/) as string;

    expect(policyJson(emptyPolicy(), 0)).toEqual({ version: 1, bindings: [], etag });
  });
});
