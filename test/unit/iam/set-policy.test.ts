import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Binding, type Policy, emptyPolicy, policyFromBindings } from "../../../src/iam/policy";
import { type SetPolicyRefusal, type SetPolicyRequest, setPolicy, setPolicyError } from "../../../src/iam/set-policy";
import { violatedFields } from "../../support/an-rpc-error";

const ada = "user:ada@example.com";
const viewers: Binding = { role: "roles/longrunning.viewer", members: [ada] };
const admins: Binding = { role: "roles/longrunning.admin", members: [ada] };
const expiring: Binding = { ...viewers, condition: { expression: "true" } };
const plain = policyFromBindings([viewers], 1);
const conditional = policyFromBindings([expiring], 1);
const STALE = emptyPolicy().etag;

describe("setPolicy", () => {
  test.each<[string, Policy, SetPolicyRequest, Partial<Policy>]>([
    ["a first policy", emptyPolicy(), { bindings: [viewers], version: 0 }, { bindings: [viewers], version: 1 }],
    ["over another without an etag", plain, { bindings: [admins], version: 1 }, { bindings: [admins] }],
    ["over another with its etag", plain, { bindings: [admins], version: 1, etag: plain.etag }, { bindings: [admins] }],
    ["version 3 without conditions as 1", plain, { bindings: [], version: 3 }, { bindings: [], version: 1 }],
    [
      "conditions with version 3 and an etag",
      plain,
      { bindings: [expiring], version: 3, etag: plain.etag },
      { bindings: [expiring], version: 3 },
    ],
    [
      "conditions away with version 3 and an etag",
      conditional,
      { bindings: [], version: 3, etag: conditional.etag },
      { bindings: [], version: 1 },
    ],
    ["nothing where the mask leaves the bindings out", plain, { version: 1 }, { bindings: [viewers] }],
    [
      "a root policy with an administrator",
      emptyPolicy(),
      { bindings: [viewers, admins], version: 1, needsAdministrator: true },
      { bindings: [viewers, admins] },
    ],
  ])("sets %s", (_, current, request, expected) => {
    const result = setPolicy(current, request);

    expect(result).toMatchObject({ ok: true, policy: { ...expected, revision: current.revision + 1 } });
    expect(result.ok && result.policy.etag).not.toBe(current.etag);
  });

  test.each<[string, Policy, SetPolicyRequest, SetPolicyRefusal]>([
    ["a stale etag", plain, { bindings: [], version: 1, etag: STALE }, "ETAG_MISMATCH"],
    ["a stale etag, whatever the mask", plain, { version: 1, etag: STALE }, "ETAG_MISMATCH"],
    [
      "new conditions of version 1",
      plain,
      { bindings: [expiring], version: 1, etag: plain.etag },
      "CONDITIONS_NEED_VERSION_3",
    ],
    [
      "new conditions of no version",
      plain,
      { bindings: [expiring], version: 0, etag: plain.etag },
      "CONDITIONS_NEED_VERSION_3",
    ],
    ["new conditions without an etag", plain, { bindings: [expiring], version: 3 }, "CONDITIONS_NEED_ETAG"],
    [
      "stored conditions overwritten by version 1",
      conditional,
      { bindings: [viewers], version: 1, etag: conditional.etag },
      "CONDITIONS_NEED_VERSION_3",
    ],
    [
      "stored conditions overwritten without an etag",
      conditional,
      { bindings: [], version: 3 },
      "CONDITIONS_NEED_ETAG",
    ],
    ["stored conditions and a stale etag", conditional, { bindings: [], version: 3, etag: STALE }, "ETAG_MISMATCH"],
    [
      "a first root policy without an administrator",
      emptyPolicy(),
      { bindings: [viewers], version: 1, needsAdministrator: true },
      "NO_ADMINISTRATOR",
    ],
    [
      "an emptied root policy",
      policyFromBindings([admins], 1),
      { bindings: [], version: 1, needsAdministrator: true },
      "NO_ADMINISTRATOR",
    ],
    [
      "a root policy whose administrator is one under a condition",
      plain,
      {
        bindings: [{ ...admins, condition: { expression: "true" } }],
        version: 3,
        etag: plain.etag,
        needsAdministrator: true,
      },
      "NO_ADMINISTRATOR",
    ],
  ])("rejects %s", (_, current, request, refusal) => {
    expect(setPolicy(current, request)).toEqual({ ok: false, refusal });
  });

  test("gives a policy that is set twice two etags", () => {
    const once = setPolicy(emptyPolicy(), { bindings: [viewers], version: 1 });
    const twice = once.ok && setPolicy(once.policy, { bindings: [viewers], version: 1 });

    expect(twice && twice.ok && twice.policy.etag).not.toBe(once.ok && once.policy.etag);
  });

  // Each writer reads, adds itself, and writes with the etag it read; who is refused has lost nothing: it knows.
  test("loses no write of callers who send an etag, in any order of reads and writes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ writer: fc.nat({ max: 4 }), reads: fc.boolean() }), { maxLength: 60 }),
        (turns) => {
          let stored = emptyPolicy();
          const read = new Map<number, Policy>();
          const written: string[] = [];
          for (const [turn, { writer, reads }] of turns.entries()) {
            const seen = read.get(writer);
            if (reads || !seen) {
              read.set(writer, stored);
              continue;
            }
            const member = `user:w${writer}.${turn}@example.com`;
            const members = [...(seen.bindings[0]?.members ?? []), member];
            const result = setPolicy(stored, { bindings: [{ ...viewers, members }], version: 1, etag: seen.etag });
            if (!result.ok) continue;
            stored = result.policy;
            written.push(member);
          }

          expect(stored.bindings[0]?.members ?? []).toEqual(written);
        },
      ),
    );
  });
});

describe("setPolicyError", () => {
  test.each<[SetPolicyRefusal, string, string[]]>([
    ["ETAG_MISMATCH", "ABORTED", []],
    ["CONDITIONS_NEED_VERSION_3", "INVALID_ARGUMENT", ["policy.version"]],
    ["CONDITIONS_NEED_ETAG", "INVALID_ARGUMENT", ["policy.etag"]],
    ["NO_ADMINISTRATOR", "FAILED_PRECONDITION", []],
  ])("returns for %s %s", (refusal, code, fields) => {
    const error = setPolicyError(refusal, "projects/p");

    expect(error).toMatchObject({ code, reason: refusal, metadata: { resource: "projects/p" } });
    expect(violatedFields(error.details)).toEqual(fields);
  });
});
