import { expect, test } from "vitest";
import { joinSql, parameter, renderSql, sql, trustedSql } from "../../../../src/aip/filter/sql-fragment";

const columns = (count: number) => Array.from({ length: count }, (_, index) => trustedSql(`c${index}`));

test("operands are joined in their order", () => {
  expect(renderSql(joinSql("OR", columns(3))).text).toBe("(((c0) OR (c1)) OR (c2))");
});

test("the tree of many operands is as low as it can be, so that SQLite's bound on its depth is kept", () => {
  expect(joinSql("AND", columns(64)).height).toBe(6);
});

test("a high operand is joined last", () => {
  const high = joinSql("AND", columns(16));

  expect(joinSql("OR", [high, ...columns(4)]).height).toBe(high.height + 1);
});

test("no operands are the condition's neutral value", () => {
  expect(renderSql(joinSql("AND", [])).text).toBe("1");
  expect(renderSql(joinSql("OR", [])).text).toBe("0");
});

test("parameters are numbered from where they are told to be, and each value is bound once", () => {
  const fragment = sql`${parameter("x")} = ${parameter(1)} OR ${parameter("x")} = ${parameter("1")}`;

  expect(renderSql(fragment, 3)).toEqual({ text: "?3 = ?4 OR ?3 = ?5", params: ["x", 1, "1"] });
});
