import { describe, expect, test } from "vitest";
import { requestIdOf } from "../../../src/http/request-line";

const requestOf = (ray: string, cf?: object) => ({ headers: new Headers({ "cf-ray": ray }), cf }) as unknown as Request;
const MADE = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;

describe("the request id", () => {
  test.each(["8f21aaaabbbbcccc-FRA", "8f21aaaabbbbcccc"])("is the platform's: %s", (ray) => {
    expect(requestIdOf(requestOf(ray, {}))).toBe(ray);
  });

  test("is never a client's id if the request did not pass Cloudflare's network", () => {
    expect(requestIdOf(requestOf("8f21aaaabbbbcccc-FRA"))).toMatch(MADE);
  });

  test.each(["", "mine", "8f21aaaabbbbcccc-FRA-2", "8F21AAAABBBBCCCC-FRA", "x".repeat(64)])(
    "ignores an id that the platform cannot have given: %j",
    (ray) => {
      expect(requestIdOf(requestOf(ray, {}))).toMatch(MADE);
    },
  );
});
