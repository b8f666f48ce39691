import { describe, expect, test } from "vitest";
import { errorResponse } from "../../../src/http/error-response";
import { Code, type CodeName, httpStatusByCode } from "../../../src/rpc/code";
import { RpcError, invalidArgument, notFound, unavailable } from "../../../src/rpc/error";
import { RpcError as OwnRpcError } from "../../../src/rpc/own-error";
import type { Any } from "../../../src/rpc/any";

interface Envelope {
  error: { code: number; message: string; status: string; details: Any[] };
}

async function render(error: RpcError) {
  const response = errorResponse(error, { domain: "api.example", requestId: "request-1" });
  return { response, body: (await response.json()) as Envelope };
}

const typesOf = ({ error }: Envelope): string[] =>
  error.details.map((any) => any["@type"].replace("type.googleapis.com/google.rpc.", ""));

describe("errorResponse", () => {
  test.each(Object.keys(Code) as CodeName[])("renders %s in Google's envelope", async (code) => {
    const { response, body } = await render(new RpcError(code, "It failed.", { metadata: { table: "t" } }));

    expect(response.status).toBe(httpStatusByCode[code]);
    expect(response.headers.get("Content-Type")).toBe("application/json; charset=UTF-8");
    expect(Object.keys(body)).toEqual(["error"]);
    expect(body.error).toMatchObject({ code: httpStatusByCode[code], message: "It failed.", status: code });
    // "ErrorInfo (`reason`, `domain`, `metadata`) is always there".
    expect(body.error.details[0]).toEqual({
      "@type": "type.googleapis.com/google.rpc.ErrorInfo",
      reason: code,
      domain: "api.example",
      metadata: { table: "t" },
    });
  });

  // "BadRequest.fieldViolations on INVALID_ARGUMENT; ResourceInfo on NOT_FOUND; RetryInfo (and `Retry-After`) on
  // UNAVAILABLE and RESOURCE_EXHAUSTED; RequestInfo on INTERNAL".
  test.each<[RpcError, string]>([
    [invalidArgument([{ field: "ttl", description: "is wrong" }]), "BadRequest"],
    [notFound("google.longrunning.Operation", "operations/x"), "ResourceInfo"],
    [unavailable("Try again.", 1), "RetryInfo"],
    [new RpcError("INTERNAL", "It broke."), "RequestInfo"],
  ])("has the details that clients of %s read", async (error, type) => {
    const { body } = await render(error);

    expect(typesOf(body)).toEqual(["ErrorInfo", type, "Help"]);
  });

  test("links to the entry of the reason in docs/errors.md", async () => {
    const { body } = await render(new RpcError("ABORTED", "Changed.", { reason: "ETAG_MISMATCH" }));

    expect(body.error.details.at(-1)).toMatchObject({
      links: [{ url: expect.stringMatching(/\/docs\/errors\.md#etag_mismatch$/) as unknown }],
    });
  });

  test("has no link for a reason of a deployment's own method", async () => {
    const { body } = await render(new OwnRpcError("ABORTED", "Changed.", { reason: "GONE" }));

    expect(typesOf(body)).toEqual(["ErrorInfo"]);
  });

  test("keeps a Help detail that the error has", async () => {
    const help = { "@type": "type.googleapis.com/google.rpc.Help", links: [] };
    const { body } = await render(new RpcError("ABORTED", "Changed.", { reason: "ETAG_MISMATCH", details: [help] }));

    expect(body.error.details.slice(1)).toEqual([help]);
  });

  test("repeats the delay in the header Retry-After", async () => {
    const { response } = await render(unavailable("Try again.", 7));

    expect(response.headers.get("Retry-After")).toBe("7");
  });

  test("has the request id of an internal error, for a search of the log", async () => {
    const { body } = await render(new RpcError("INTERNAL", "It broke."));

    expect(body.error.details[1]).toMatchObject({ requestId: "request-1" });
  });

  test("uses the error's own HTTP status if it has one", async () => {
    const { response, body } = await render(
      new RpcError("UNIMPLEMENTED", "No.", { httpStatus: 405, headers: { Allow: "GET" } }),
    );

    expect(response.status).toBe(405);
    expect(response.headers.get("Allow")).toBe("GET");
    expect(body.error).toMatchObject({ code: 405, status: "UNIMPLEMENTED" });
  });

  test("hides the text of an unknown error", async () => {
    const { response } = {
      response: errorResponse(RpcError.from(new Error("hunter2")), { domain: "", requestId: "" }),
    };

    expect(await response.text()).not.toMatch(/hunter2|at .*\.ts/);
  });
});
