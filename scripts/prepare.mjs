// What has to be there before `npm start`, `npm test` and `npm run check`: run by npm just before them, with the Node of the machine (20 or
// newer) and nothing but its own modules. With nothing to do it must cost next to nothing: every `npm start` waits for it.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { buildDashboard, dashboardIsStale } from "./prepare/dashboard.mjs";
import { dependenciesAreStale, installDependencies } from "./prepare/dependencies.mjs";
import { withLock } from "./prepare/lock.mjs";
import { leftOutHere, missingPrograms, provide } from "./prepare/packages.mjs";
import { buildProgram, programIsStale } from "./prepare/program.mjs";
import { PreparationError } from "./prepare/run.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const purpose = process.argv[2] ?? "";
const purposes = ["start", "test", "check"];

if (!purposes.includes(purpose)) {
  process.stderr.write(`usage: node scripts/prepare.mjs ${purposes.join("|")}\n`);
  process.exitCode = 2;
} else {
  try {
    await prepare();
  } catch (error) {
    if (!(error instanceof PreparationError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

async function prepare() {
  const missing = missingPrograms(purpose);
  const leftOut = leftOutHere(purpose);
  if (leftOut !== null) process.stdout.write(leftOut);
  const isStale = () => dependenciesAreStale(root) || (purpose !== "check" && (dashboardIsStale(root) || programIsStale(root)));
  if (missing.length === 0 && !isStale()) return;
  // Two at once (a start and a test run) would install over each other. Whoever waited looks again.
  await withLock(root, () => {
    if (dependenciesAreStale(root)) installDependencies(root);
    provide(root, missing);
    if (purpose !== "check" && dashboardIsStale(root)) buildDashboard(root);
    if (purpose !== "check" && programIsStale(root)) buildProgram(root);
  });
}
