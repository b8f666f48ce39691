import { describe, expect, test } from "vitest";
import { decodeMessage } from "../../../src/http/decode-message";
import { boolParameter, methodParameters } from "../../../src/http/query";
import { transcode } from "../../../src/http/transcoding";
import { int32, string } from "../../../src/protobuf/fields";
import { message } from "../../../src/protobuf/message";
import type { JsonObject } from "../../../src/rpc/any";
import { rpcErrorOf, violatedFields } from "../../support/an-rpc-error";

const Page = message("example.v1.Page", { pageSize: int32(1), pageToken: string(2), name: string(3) });
const parse = (text: string): JsonObject => {
  const query = methodParameters(new URLSearchParams(text));
  return transcode({ pathVariables: {}, query, body: undefined, bodyRule: undefined, describe: Page, path: "" });
};

describe("the query of a method of the service", () => {
  test.each([
    ["", {}],
    ["pageSize=5", { pageSize: 5 }],
    ["page_size=5&page_token=x", { pageSize: 5, pageToken: "x" }],
    ["pageToken=", { pageToken: "" }],
    ["name=a%2Fb", { name: "a/b" }],
    ["name=a+b", { name: "a b" }],
  ])("reads %j, in camelCase or snake_case", (query, values) => {
    expect(parse(query)).toEqual(values);
  });

  test.each([
    "alt=json",
    "$alt=json",
    "%24alt=json",
    "alt=json;enum-encoding=int",
    "alt=json%3Benum-encoding%3Dint",
    "prettyPrint=false",
    "$prettyPrint=true",
    "fields=name",
    "key=secret",
    "access_token=secret",
    "quotaUser=me",
    "xgafv=2",
    "$xgafv=2",
    "$.xgafv=2",
    "uploadType=media",
    "upload_protocol=raw",
    "userProject=p",
    "$unknown=1",
    "key=secret&$key=secret",
  ])("ignores the system parameter %s", (query) => {
    expect(parse(query)).toEqual({});
  });

  test.each([
    ["foo=1", ["foo"]],
    ["foo", ["foo"]],
    ["=1", [""]],
    ["PageSize=1", ["PageSize"]],
    ["pagesize=1", ["pagesize"]],
    ["__proto__=1", ["__proto__"]],
    ["constructor=1", ["constructor"]],
    ["foo=1&bar=2&pageSize=3", ["foo", "bar"]],
    ["pageSize=1&pageSize=1", ["pageSize"]],
    ["pageSize=1&page_size=2", ["pageSize"]],
    ["alt=proto", ["alt"]],
    ["alt=media", ["alt"]],
    ["$alt=sse", ["alt"]],
    ["alt=", ["alt"]],
    ["alt=json;enum-encoding=string", ["alt"]],
    ["fields=name&fields=done", ["fields"]],
    ["fields=name&$fields=done", ["fields"]],
    ["prettyPrint=1&$prettyPrint=0", ["prettyPrint"]],
  ])("rejects %s and names the parameter", async (query, fields) => {
    const error = await rpcErrorOf(() => parse(query));

    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(violatedFields(error.details)).toEqual(fields);
  });

  test("quotes the head of a long parameter only", async () => {
    const error = await rpcErrorOf(() => parse(`${"x".repeat(5_000)}=1`));

    expect(violatedFields(error.details)[0]).toHaveLength(120);
    expect(error.message.length).toBeLessThan(300);
  });
});

describe("an int32 in the query", () => {
  test.each([
    ["", undefined],
    ["0", 0],
    ["-1", -1],
    ["007", 7],
    ["2147483647", 2_147_483_647],
    ["-2147483648", -2_147_483_648],
  ])("reads %j as %j", (value, number) => {
    expect(decodeMessage(Page, parse(`pageSize=${value}`)).pageSize).toBe(number);
  });

  test.each(["abc", "1.5", "1e3", "%2B1", " 1", "1 ", "0x1", "--1", "2147483648", "-2147483649", "9".repeat(400)])(
    "rejects %s",
    async (value) => {
      const error = await rpcErrorOf(() => decodeMessage(Page, parse(`pageSize=${value}`)));

      expect(error.code).toBe("INVALID_ARGUMENT");
      expect(violatedFields(error.details)).toEqual(["pageSize"]);
    },
  );
});

describe("boolParameter", () => {
  test.each([
    [undefined, undefined],
    ["", undefined],
    ["true", true],
    ["false", false],
  ])("reads %j as %j", (value, flag) => {
    expect(boolParameter("validateOnly", value)).toBe(flag);
  });

  test.each(["True", "1", "yes", " true"])("rejects %j", async (value) => {
    const error = await rpcErrorOf(() => boolParameter("validateOnly", value));

    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(violatedFields(error.details)).toEqual(["validateOnly"]);
  });
});
