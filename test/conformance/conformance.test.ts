// Every scenario with every client that can play it, but for the known failures; and the table of README.md.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, inject, test } from "vitest";
import { clientsAt } from "./clients";
import { Front } from "./front";
import knownFailures from "./known-failures.json";
import { type Scenario, type ScenarioId, scenarios } from "./scenarios";
import { Service } from "./service";
import { cellOf, table } from "./table";

const service = new Service(inject("url"));
const front = await Front.start(service.url);
const clients = clientsAt(front);
let mark = 0;

afterAll(() => front.close());

describe.each(clients)("$name", (client) => {
  for (const [id, scenario] of Object.entries<Scenario>(scenarios)) {
    if (scenario.needs?.(client) === false) continue;
    const known = knownFailures.find((failure) => failure.client === client.name && failure.scenario === id);
    test(scenario.title, async () => {
      mark += 10;
      front.shed(0);
      if (known) await fails(scenario, known);
      else await scenario.play({ client, service, front, mark });
    });
  }
});

/** Plays a scenario that is known to fail, with a client of its own: it may ask on when the test has ended. */
async function fails(scenario: Scenario, { client: name, failure, reason }: (typeof knownFailures)[number]) {
  const own = await Front.start(service.url);
  const client = clientsAt(own).find((candidate) => candidate.name === name)!;
  const play = scenario.play({ client, service, front: own, mark });
  const [outcome] = await Promise.allSettled([Promise.race([play, own.repeated])]);
  await own.close();
  if (outcome.status === "fulfilled") throw new Error(`it passes: take it off known-failures.json (${reason})`);
  expect(String(outcome.reason), "it fails in another way than known-failures.json says").toContain(failure);
}

test("every known failure names a scenario of a client, and has a reason", () => {
  for (const { client: name, scenario, failure, reason } of knownFailures) {
    const client = clients.find((candidate) => candidate.name === name);

    expect(client && cellOf(scenario, client), `${name}: ${scenario}`).toBe("known");
    expect(failure).not.toBe("");
    expect(reason).toMatch(/\w \w.*\.$/);
  }
});

const OPERATIONS = ["get", "list", "cancel", "delete"] as const;
const IAM = ["getIamPolicy", "setIamPolicy", "testIamPermissions"] as const;

/** The methods of the reference pages, each a scenario, by what operations live under. */
test.each<[string, RegExp, readonly ScenarioId[]]>([
  ["operations", /^$/, OPERATIONS],
  ["projects.locations.operations", /^projects\/[^/]+\/locations\//, [...OPERATIONS, ...IAM, "wait"]],
  ["projects.regions.operations", /^projects\/[^/]+\/regions\//, [...OPERATIONS, ...IAM]],
])("every method of %s has a scenario that passes", (_, parents, methods) => {
  const there = clients.filter(({ parent }) => parents.test(parent));
  const played = methods.filter((method) => there.some((client) => cellOf(method, client) === "passes"));

  expect(played).toEqual(methods);
});

test("README.md has the table of the scenarios", () => {
  const readme = readFileSync(join(import.meta.dirname, "README.md"), "utf8");

  expect(readme).toContain(table(clients));
});
