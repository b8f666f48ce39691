import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeEtag, etagFromRevision } from "../../../src/iam/etag";

describe("etagFromRevision", () => {
  test("is canonical padded base64", () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 32 - 1 }), fc.jsonValue(), (revision, contents) => {
        const etag = etagFromRevision(revision, contents);

        expect(etag).toMatch(/^[A-Za-z0-9+/]{11}=$/);
        expect(Buffer.from(etag, "base64").toString("base64")).toBe(etag);
        expect(decodeEtag(etag)).toEqual({ ok: true, value: etag });
      }),
    );
  });

  test("changes with every set, also of the same contents", () => {
    const etags = Array.from({ length: 1_000 }, (_, revision) => etagFromRevision(revision, []));

    expect(new Set(etags).size).toBe(1_000);
  });

  test("tells other contents of the same revision apart", () => {
    expect(etagFromRevision(1, ["a"])).not.toBe(etagFromRevision(1, ["b"]));
  });
});

describe("decodeEtag", () => {
  test.each([
    ["BwWWja0YfJA=", "BwWWja0YfJA="],
    ["BwWWja0YfJA", "BwWWja0YfJA="],
    ["-_8=", "+/8="],
    ["-_8", "+/8="],
    ["ACAB", "ACAB"],
  ])("takes %s as %s", (text, value) => {
    expect(decodeEtag(text)).toEqual({ ok: true, value });
  });

  test.each(["*", "A", "AAAAA", "A=B=", "====", 'W/"1"', " ACAB", "é", "A".repeat(100)])("refuses %j", (text) => {
    expect(decodeEtag(text)).toMatchObject({ ok: false });
  });
});
