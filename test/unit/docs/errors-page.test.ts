// docs/errors.md is written from test/unit/docs/reason-texts.ts (`npx vitest run errors-page --update`), and the table holds
// exactly the reasons that the service's code uses.
import { readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { reasonGroups, reasonTexts } from "./reason-texts";
import { type Reason, helpForReason } from "../../../src/rpc/reasons";

const ROOT = resolve(import.meta.dirname, "../../..");
const PAGE = join(ROOT, "docs/errors.md");
const reasons = Object.keys(reasonTexts) as Reason[];

const INTRODUCTION = `# Errors

After this page you know the cause of each error that the service returns, and the next step.

\`\`\`json
{
  "error": {
    "code": 400,
    "message": "filter: …",
    "status": "INVALID_ARGUMENT",
    "details": [
      {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "FILTER_INVALID",
        "domain": "api.example.com",
        "metadata": {}
      },
      {
        "@type": "type.googleapis.com/google.rpc.Help",
        "links": [{ "description": "Meaning and remedy of FILTER_INVALID", "url": "…" }]
      }
    ]
  }
}
\`\`\`

Decide by \`reason\`: it never changes. The message is for people and may change. The Help detail links to the entry on this page.
An error without a specific reason has the name of its code. Errors of a deployment's own methods have reasons of their own,
which are not on this page. \`Operation.error\` is the method's own Status and has neither detail.

<!-- Written from test/unit/docs/reason-texts.ts by \`npx vitest run errors-page --update\`. -->
`;

function page(): string {
  const groups = reasonGroups.map(({ title, texts }) => {
    const entries = Object.entries(texts).map(
      ([reason, { meaning, remedy }]) => `### ${reason}\n\n${meaning}\n\n**Remedy:** ${remedy}\n`,
    );
    return `\n## ${title}\n\n${entries.join("\n")}`;
  });
  return INTRODUCTION + groups.join("");
}

/** The source text of the service without the table itself and the built-in methods, which are a deployment's own. */
const source = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !/^(?:worker|cli)\/|^rpc\/(?:reason|code)/.test(file))
  .map((file) => readFileSync(join(ROOT, "src", file), "utf8"))
  .join("\n");

/** Reasons that no error has: `reason` is a field of other types too. */
const OTHER_REASONS = new Set(["EMPTY", "TOO_LARGE", "INTERRUPTED"]);

test("docs/errors.md is generated from the table of reasons", async () => {
  await expect(page()).toMatchFileSnapshot(PAGE);
});

describe("the table of reasons", () => {
  test("has every reason that the source uses", () => {
    const used = Array.from(source.matchAll(/\breason: "([A-Z][A-Z_0-9]+)"/g), ([, reason = ""]) => reason);

    expect(used.length).toBeGreaterThan(20);
    expect(used.filter((reason) => !(reason in reasonTexts) && !OTHER_REASONS.has(reason))).toEqual([]);
  });

  test.each(reasons)("has %s, which the source uses", (reason) => {
    // A refusal to retry is made of a prefix and a key.
    const [, prefix, rest = reason] = /^(RETRY_)(.*)$/.exec(reason) ?? [];
    const isMade = prefix === undefined || source.includes(`\`${prefix}\${`);

    expect(source).toMatch(new RegExp(`"${reason}"|^ +${rest}: `, "m"));
    expect(isMade).toBe(true);
  });

  test("puts every reason into one group of the page", () => {
    expect(reasonGroups.flatMap(({ texts }) => Object.keys(texts)).toSorted()).toEqual(reasons.toSorted());
  });

  test.each(reasons)("gives for %s the meaning and the remedy in sentences", (reason) => {
    for (const text of Object.values(reasonTexts[reason])) expect(text).toMatch(/^[A-Z`].*\.$/);
  });
});

describe("helpForReason", () => {
  test.each(reasons)("links %s to its entry", (reason) => {
    const { links } = helpForReason(reason) as unknown as { links: [{ url: string }] };
    const anchors = Array.from(page().matchAll(/^### (.*)$/gm), ([, heading = ""]) => heading.toLowerCase());
    const anchor = /\/docs\/errors\.md#(\w+)$/.exec(links[0].url)?.[1];

    expect(anchors).toContain(anchor);
  });

  test("has no link for a reason that the service does not define", () => {
    expect(helpForReason("TABLE_EMPTY")).toBeUndefined();
    expect(helpForReason("FAILED_PRECONDITION")).toBeUndefined();
  });
});
