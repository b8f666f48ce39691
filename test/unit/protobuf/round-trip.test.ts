// Every value of a declared message survives the way to JSON and back.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Json } from "../../../src/rpc/any";
import { formatDuration } from "../../../src/aip/duration";
import { formatTimestamp } from "../../../src/aip/timestamp";
import { integerFromText } from "../../../src/protobuf/numbers";
import type { MessageType } from "../../../src/protobuf/message";
import { ProfileRequest } from "./profile-request";

const text = fc.string({ unit: "grapheme", maxLength: 8 });
const nonEmptyText = fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 });
const number = fc.double().map((double) => (double === 0 ? 0 : double));
const int32 = fc.integer();
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
const timestamp = fc
  .record({
    seconds: fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }),
    nanos: fc.integer({ min: 0, max: 999_999_999 }),
  })
  .map(formatTimestamp);
const duration = fc
  .record({
    seconds: fc.integer({ min: 0, max: 315_575_999_999 }),
    nanos: fc.integer({ min: 0, max: 999_999_999 }),
  })
  .chain(({ seconds, nanos }) => fc.constantFrom({ seconds, nanos }, { seconds: -seconds || 0, nanos: -nanos || 0 }))
  .map(formatDuration);
const bytes = fc.uint8Array({ maxLength: 9 }).map((array) => Buffer.from(array).toString("base64"));
const json = fc
  .jsonValue({ maxDepth: 3 })
  .map((value) => JSON.parse(JSON.stringify(value)) as Json)
  .filter((value) => isWellFormed(value));
const struct = fc.dictionary(nonEmptyText, json);
const column = fc.record({ name: nonEmptyText, maxWidth: int32 }, { requiredKeys: ["name"] });
const source = fc.oneof(fc.record({ uri: text }), fc.record({ inline: column }), fc.constant({}));

function isWellFormed(value: Json): boolean {
  return (JSON.stringify(value).match(/\\ud[89a-f]/gi) ?? []).length === 0;
}

const rest = fc.record(
  {
    parent: nonEmptyText,
    rows: int32,
    ratio: number,
    big: int64,
    flags: fc.array(fc.boolean()),
    when: timestamp,
    wait: duration,
    format: fc.constantFrom("FORMAT_UNSPECIFIED" as const, "CSV" as const, "TSV" as const),
    labels: fc.dictionary(text, text),
    column,
    columns: fc.array(column),
    detail: struct.map((fields) => ({ ...fields, "@type": "type.googleapis.com/example.v1.Detail" })),
    options: struct,
    extra: json,
    items: fc.array(json),
    content: bytes,
    updateMask: fc.array(fc.constantFrom("a", "displayName", "labels.env"), { minLength: 1 }).map(String),
    wrapped: int64,
    nickname: text,
    nothing: fc.constant({}),
    small: fc.float().map((float) => (float === 0 ? 0 : float)),
    unsigned: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    huge: uint64,
    countById: fc.dictionary(int64, fc.nat()),
    switches: fc.dictionary(fc.constantFrom("true", "false"), column),
  },
  { requiredKeys: ["parent"] },
);

/** Typed as the message is: what is drawn here is checked against the inferred type. */
const request = fc
  .tuple(rest, source)
  .map(([fields, one]): MessageType<typeof ProfileRequest> => Object.assign(fields, one));

test("the JSON of a value, sent and parsed, decodes to the value", () => {
  fc.assert(
    fc.property(request, (value) => {
      const sent = JSON.stringify(ProfileRequest.toJson(value));

      expect(ProfileRequest["~standard"].validate(JSON.parse(sent))).toEqual({ value });
    }),
  );
});

test("canonical JSON is encoded to the same bytes again", () => {
  fc.assert(
    fc.property(request, (value) => {
      const once = ProfileRequest.toJson(value);

      expect(JSON.stringify(ProfileRequest.toJson(once as unknown as typeof value))).toBe(JSON.stringify(once));
    }),
  );
});

test("any JSON is decoded or rejected within bounds, without a throw", () => {
  const names = ProfileRequest.fields.flatMap(({ jsonName, protoName }) => [jsonName, protoName]);
  const anything = fc.oneof(fc.jsonValue(), fc.dictionary(fc.constantFrom(...names), fc.jsonValue()));
  fc.assert(
    fc.property(anything, (input) => {
      const result = ProfileRequest["~standard"].validate(input);

      expect(result.issues === undefined || (result.issues.length > 0 && result.issues.length <= 50)).toBe(true);
    }),
  );
});

test("an integer is read from any notation of it", () => {
  const shifts = fc.integer({ min: 0, max: 40 });
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }), shifts, shifts, (integer, zeros, point) => {
      const sign = integer < 0n ? "-" : "";
      const digits = String(integer).replace("-", "");
      const padded = digits + "0".repeat(zeros);
      const split = Math.max(1, padded.length - point);
      const whole = padded.slice(0, split).replace(/^0+(?=0)/, "");
      const fraction = padded.slice(split);
      const written = `${sign}${whole}${fraction === "" ? "" : `.${fraction}`}e${fraction.length - zeros}`;

      expect(integerFromText(written)).toBe(integer);
    }),
  );
});
