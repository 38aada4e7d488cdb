// Reads the reports of a run of the tests and of the second run of those files that had failed: `first.json [second.json]`.
// Prints `<passed> <failed>` and, on the lines after it, what failed at first and passed alone: those are bugs too, of the test or of what it tests.
// With `--files first.json` it prints the files that failed instead, one a line.
import { readFileSync } from "node:fs";
import { relative } from "node:path";

/** The files of a report that did not pass, relative to the folder of the project. */
export function failedFiles(report, root) {
  return report.testResults.filter((file) => file.status === "failed").map((file) => relative(root, file.name));
}

/** How many passed and failed, and what only failed the first time. A file that could not be loaded counts as one failed test. */
export function countTests(first, second) {
  const again = new Map((second?.testResults ?? []).map((file) => [file.name, file]));
  const onlyAtFirst = [];
  let [passed, failed] = [0, 0];
  for (const file of first.testResults) {
    const last = again.get(file.name) ?? file;
    const results = last.assertionResults;
    passed += results.filter((test) => test.status === "passed").length;
    const failures = results.filter((test) => test.status === "failed").length;
    failed += last.status === "failed" ? Math.max(failures, 1) : failures;
    if (last !== file && last.status === "passed") onlyAtFirst.push(...firstFailures(file));
  }
  return { passed, failed, onlyAtFirst };
}

function firstFailures(file) {
  const names = file.assertionResults.filter((test) => test.status === "failed").map((test) => test.fullName);
  return names.length > 0 ? names : [`${file.name} could not be loaded`];
}

function main([first, second]) {
  const read = (path) => JSON.parse(readFileSync(path, "utf8"));
  if (first === "--files") {
    console.log(failedFiles(read(second), process.cwd()).join("\n"));
    return;
  }
  const counts = countTests(read(first), second === undefined ? null : read(second));
  console.log(`${counts.passed} ${counts.failed}`);
  for (const name of counts.onlyAtFirst) console.log(`FLAKY (failed among the others, passed alone): ${name}`);
}

if (import.meta.main ?? process.argv[1]?.endsWith("second-look.mjs")) main(process.argv.slice(2));
