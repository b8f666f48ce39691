// Adds up the JSON reports of vitest runs into one line, `12 passed, 0 failed`; fails where that is no success.
import { readFileSync } from "node:fs";

let passed = 0;
let failed = 0;
let isWhole = true;
for (const file of process.argv.slice(2)) {
  const report = reportOf(file);
  passed += report.numPassedTests;
  // A file that fails before its first test has none that could fail.
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === "failed" && assertionResults.every((test) => test.status !== "failed"),
  );
  failed += report.numFailedTests + broken.length;
  isWhole &&= report.success;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = isWhole && passed > 0 && failed === 0 ? 0 : 1;

function reportOf(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    console.error(`no report of a run: ${error.message}`);
    return { numPassedTests: 0, numFailedTests: 0, testResults: [], success: false };
  }
}
