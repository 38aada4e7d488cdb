import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { lastLines, PreparationError, pinnedNode, run, step } from "./run.mjs";

/** What the build is made of; the lock file stands for React and the rest. */
const sources = ["web", "src/contract", "package-lock.json"];
const notSources = new Set(["dist", "node_modules"]);

/** Whether web/dist is missing or made of other sources. */
export function dashboardIsStale(root) {
  if (!existsSync(join(root, "web", "index.html"))) return false;
  try {
    return readFileSync(recordIn(join(root, "web", "dist")), "utf8") !== hashOfSources(root);
  } catch {
    return true;
  }
}

/** Builds the dashboard beside web/dist and puts it there when it is complete, so that a build cut short leaves the one before. */
export function buildDashboard(root) {
  const hash = hashOfSources(root);
  const dist = join(root, "web", "dist");
  const built = join(root, "node_modules", ".cache", `dashboard-${process.pid}`);
  const result = step("Building the dashboard", () => {
    const vite = join(root, "node_modules", "vite", "bin", "vite.js");
    const outcome = run(pinnedNode(root), [vite, "build", "web", "--outDir", built, "--emptyOutDir", "--logLevel", "warn"], { cwd: root });
    if (outcome.succeeded) {
      writeFileSync(recordIn(built), hash);
      rmSync(dist, { recursive: true, force: true });
      move(built, dist);
    }
    return outcome;
  });
  rmSync(built, { recursive: true, force: true });
  if (!result.succeeded) throw new PreparationError(`${lastLines(result.output)}\n\nThe dashboard could not be built.`);
}

function move(from, to) {
  try {
    renameSync(from, to);
  } catch (error) {
    if (error.code !== "EXDEV") throw error;
    mkdirSync(to, { recursive: true });
    cpSync(from, to, { recursive: true });
  }
}

function recordIn(folder) {
  return join(folder, ".backlot-sources");
}

function hashOfSources(root) {
  const hash = createHash("sha256");
  for (const source of sources) addTo(hash, root, source);
  return hash.digest("hex");
}

function addTo(hash, root, path) {
  const full = join(root, path);
  let entries;
  try {
    entries = readdirSync(full, { withFileTypes: true });
  } catch {
    hash.update(`${path}\0`).update(readFileSync(full)).update("\0");
    return;
  }
  const names = entries.filter((entry) => !notSources.has(entry.name) && !/\.test\.tsx?$/.test(entry.name)).map((entry) => entry.name);
  for (const name of names.sort()) addTo(hash, root, `${path}/${name}`);
}
