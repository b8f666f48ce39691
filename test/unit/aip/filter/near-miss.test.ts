// Spellings of another filter language, and slips: rejected with the right spelling, and never a list that is empty, or
// whole, by mistake. Beside each the right form, which is taken.
import { expect, test } from "vitest";
import { parseFilter } from "../../../../src/aip/filter/filter";
import { stateNames } from "../../../../src/aip/filter/fields";
import { lifecycle } from "../../../../src/lifecycle/state";
import { matches, row, withMetadata } from "./rows";

const refused: [filter: string, offset: number, expected: string][] = [
  // Keywords in lower case, and other languages' operators.
  ["a = 1 and b = 2", 6, "AND in upper case"],
  ["a = 1 And b = 2", 6, "AND in upper case"],
  ["a = 1 or b = 2", 6, "OR in upper case"],
  ["not done = true", 0, "NOT in upper case"],
  ["a = 1 AND not b = 2", 10, "NOT in upper case"],
  ["a = 1 and", 6, "AND in upper case"],
  ["and", 0, "AND in upper case"],
  ["a = (1 or 2)", 7, "OR in upper case"],
  ["(a = 1 and b = 2) OR c = 3", 7, "AND in upper case"],
  ["a = 1 and (b = 2)", 6, "AND in upper case"],
  ["a = 1 and(b = 2)", -1, ""],
  ["not(done = true)", -1, ""],
  ["a = 1 && b = 2", 6, '"AND"'],
  ["a = 1 & b = 2", 6, '"AND"'],
  ["a = 1 || b = 2", 6, '"OR"'],
  ["a = 1 | b = 2", 6, '"OR"'],
  ["a = 1; b = 2", 4, 'a value without ";"'],
  ["status eq RUNNING", 7, '"="'],
  ["status EQ RUNNING", 7, '"="'],
  ["status ne RUNNING", 7, '"!="'],
  ["a gt 5", 2, '">"'],
  ["a.b le 5", 4, '"<="'],
  ["(status eq RUNNING) AND (zone eq a)", 8, '"="'],
  ["x in (a)", 2, '"=" and the values joined by OR'],
  ["x IN (a OR b)", 2, '"=" and the values joined by OR'],
  ["x in(a)", 2, '"=" and the values joined by OR'],
  ["x not in (a)", 2, "NOT in upper case"],
  ["metadata.x is null", 11, '"=", or ":*"'],
  ["labels.env like 'st%'", 11, '"=" with *'],
  ["labels.env contains st", 11, '":"'],
  ["name contains st", 5, '":"'],
  ["verb is profile", 5, '"=", or ":*"'],
  ['metadata.s ~ "howl"', 0, "metadata.s:*"],
  ['labels.s ~ "howl"', 9, "a value: there is no ~"],
  ["labels.s = ~howl", 11, "a value: there is no ~"],
  ['labels.s =~ "howl"', 10, "a value: there is no ~"],
  // Fields that differ from declared ones by their case, or by a letter where the value tells.
  ["Done=true", 0, "done"],
  ["DONE = true", 0, "done"],
  ["dome = true", 0, "done"],
  ["don = false", 0, "done"],
  ["doen != true", 0, "done"],
  ["Verb = profile", 0, "verb"],
  ["createtime > 2026-01-01T00:00:00Z", 0, "createTime"],
  ["CreateTime > 2026-01-01T00:00:00Z", 0, "createTime"],
  ["CREATE_TIME > 2026-01-01T00:00:00Z", 0, "createTime"],
  ["creatTime > 2026-01-01T00:00:00Z", 0, "createTime"],
  ["create_tiem > 2026-01-01T00:00:00Z", 0, "createTime"],
  ["error_code = 5", 0, "error.code"],
  ["errorMessage:disk", 0, "error.message"],
  ["eror.code = 5", 0, "error"],
  ["metdata.x = 1", 0, "metadata"],
  ["metadta.x = 1", 0, "metadata"],
  ["responce.x = 1", 0, "response"],
  ["Metadata.x = 1", 0, "metadata"],
  ["Error:*", 0, "error"],
  ["State = RUNNING", 0, "state"],
  // Fields that stand alone.
  ["done", 0, "done = true"],
  ["NOT done", 4, "done = true"],
  ["-done", 1, "done = true"],
  ["done AND a = 1", 0, "done = true"],
  ["Done", 0, "done = true"],
  ["requested_cancellation", 0, "requestedCancellation = true"],
  ["endTime", 0, "endTime:*"],
  ["error", 0, "error:*"],
  ["NOT error", 4, "error:*"],
  ["response", 0, "response:*"],
  ["metadata.labels.starred", 0, "metadata.labels.starred:*"],
  // Values.
  ["metadata.n != null", 14, 'a value: ":*" asks whether a field is set'],
  ["n = null", 4, 'a value: ":*"'],
  ["n = NULL", 4, 'a value: ":*"'],
  ["n:null", 2, 'a value: ":*"'],
  ["n = (1 OR null)", 10, 'a value: ":*"'],
  ["n > null", 4, 'a value: ":*"'],
  ["target = null", 9, 'a value: ":*"'],
  ["metadata.b = True", 13, "true"],
  ["metadata.b = FALSE", 13, "false"],
  ["metadata.dur > 2h", 15, "a duration in seconds, 7200s"],
  ["metadata.dur <= 1.5m", 16, "a duration in seconds, 90s"],
  ["metadata.dur < 250ms", 15, "a duration in seconds, 0.25s"],
  ["metadata.dur >= 7d", 16, "a duration in seconds, 604800s"],
  ["metadata.size > 10GB", 16, "a plain number, without a unit"],
  ["metadata.size > 10KiB", 16, "a plain number, without a unit"],
  ["metadata.neg = -(42)", 15, "a number with its sign, as in -42"],
  ["metadata.neg = \u221242", 15, 'the sign "-"'],
  ["verb = \u201cprofile\u201d", 7, "straight quotes"],
  ["labels.env = \u2018x\u2019", 13, "straight quotes"],
  ["labels.env = `x`", 13, "straight quotes"],
  ["labels.env\uff1dx", 0, "a comparator or parenthesis of ASCII"],
  ["error.code = not_found", 13, "5, the number of NOT_FOUND"],
  ["state = running", 8, "RUNNING"],
  ["state = RUNING", 8, "one of QUEUED, RUNNING"],
  ["state = DONE", 8, "one of QUEUED, RUNNING"],
  ["state:RUN", 6, "one of QUEUED, RUNNING"],
  ["state = (RUNNING OR done)", 20, "one of QUEUED, RUNNING"],
  ["state > QUEUED", 6, '"=", "!=" or ":" after state'],
];

test.each(refused.filter(([, offset]) => offset >= 0))("rejects %s at %i: expected %s", (filter, offset, expected) => {
  expect(parseFilter(filter)).toMatchObject({
    ok: false,
    error: { offset, expected: expect.stringContaining(expected) as string },
  });
});

test.each(refused)("parseFilter accepts %s, which is not a mistake", (filter) => {
  expect(parseFilter(filter).ok).toBe(false);
});

// A filter that looks like a near miss, and is correct.
test.each(
  [
    "zone = us-east1-b",
    "names = x",
    "stage = BUILD",
    "errors.code = 5",
    "responses.x = 1",
    "status.state = RUNNING AND labels.env = staging",
    "metadata.Done = true",
    "metadata.dome = true",
    '"Done" = true',
    '"and"',
    "'done'",
    "land",
    "stuck in queue",
    "queue is full",
    "eq",
    "a = eq",
    "verb = and",
    "a = 'null'",
    "a = nullable",
    "metadata.null = 1",
    'a = "True"',
    "a = 2h",
    "a:2h",
    "a > '2h'",
    "a > 1.2.3",
    "a > 2h30",
    "a > 3rc1",
    "a = O\u2019Brien",
    "a = x;y",
    "metadata.done",
  ].filter((filter) => filter !== "android or" && filter !== "metadata.done"),
)("parseFilter accepts %s", (filter) => {
  expect(parseFilter(filter)).toMatchObject({ ok: true });
});

test("the field state accepts the states of the lifecycle", () => {
  expect([...stateNames, "NEW"].toSorted()).toEqual(Object.keys(lifecycle).toSorted());
});

test.each<[string, boolean]>([
  ["state = RUNNING", true],
  ["state != RUNNING", false],
  ["state:RUNNING", true],
  ["state = (QUEUED OR RUNNING)", true],
  ["state = R*", true],
  ["state = *CANCELLING", false],
  ["state:*", true],
  ['method = "tables:profile"', true],
  ["method:PROFILE", true],
  ["method = echo*", false],
])("the filter %s of a running operation is %s", (filter, expected) => {
  expect(matches(filter, row({ state: "RUNNING", method: "tables:profile" }))).toBe(expected);
});

test.each(["state = RUNNING", "state != RUNNING", "method = x", "method != x", "state:*"])(
  "%s does not match a row from before these fields were written",
  (filter) => {
    expect(matches(filter, row())).toBe(false);
  },
);

// Google's own samples of ListDatabaseOperations and ListBackupOperations: "the backup name contains howl".
test.each<[string, boolean]>([
  ["metadata.name:howl", true],
  ["metadata.name:HOWL", true],
  ["metadata.name:2024", true],
  ["metadata.name:backups/*howl", true],
  ["metadata.name:owls", false],
  ["metadata.name = howl", false],
  ["metadata.tags:blue", true],
  ["metadata.tags:blu", false],
  ["metadata.tags:blu*", true],
  ["metadata.size:1420", true],
  ["metadata.size:42", false],
  ['metadata.size:"42"', true],
  ["metadata.count:7", true],
  ["metadata.count:1", false],
  ["metadata.progress:startTime", true],
  ["metadata.progress.startTime:2018-03", true],
  ["metadata.progress:start", false],
  ['(metadata.name:howl) AND (metadata.progress.start_time < "2018-03-28T14:50:00Z") AND (NOT error:*)', true],
])("the filter %s of the Spanner samples is %s", (filter, expected) => {
  const backup = withMetadata({
    name: "projects/p/instances/i/backups/Howl-2024",
    tags: ["blue", "green"],
    // An int64, as proto JSON has it.
    size: "1420",
    count: 7,
    progress: { startTime: "2018-03-28T10:00:00Z" },
  });

  expect(matches(filter, backup)).toBe(expected);
});
