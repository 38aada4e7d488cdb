import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "backlot-log-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const module = pathToFileURL(join(import.meta.dirname, "log.ts")).href;

/** Runs lines of code with a log in a process of its own: the log goes to that process' stdout. */
function logged(code: string, to: string | undefined, level = "info"): readonly string[] {
  const script = `import { createLog } from ${JSON.stringify(module)};
const log = createLog({ process: "router", level: ${JSON.stringify(level)}, folder: ${JSON.stringify(to)} });
${code}`;
  const { stdout, status, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
    encoding: "utf8",
    cwd: import.meta.dirname,
    maxBuffer: 100_000_000,
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return stdout.trim().split("\n");
}

test("a line is JSON with the process' name, the time and whatever is variable as a field", () => {
  const [line = ""] = logged('log.info({ site: "chess" }, "site woken"); log.debug("not shown");', undefined);
  expect(JSON.parse(line)).toMatchObject({ process: "router", level: 30, site: "chess", msg: "site woken", time: expect.stringMatching(/^\d{4}-.*Z$/) });
  expect(readdirSync(folder)).toEqual([]);
});

test("with a folder every line stands in the process' own file too", () => {
  const lines = logged('log.info("one"); log.warn("two");', folder);
  expect(lines).toHaveLength(2);
  expect(readdirSync(folder)).toEqual(["router.log"]);
  expect(readFileSync(join(folder, "router.log"), "utf8").trim().split("\n")).toEqual(lines);
});

test("the level that was asked for holds in the file as well", () => {
  logged('log.debug("a detail");', folder, "debug");
  expect(readFileSync(join(folder, "router.log"), "utf8")).toContain("a detail");
});

test("the file is rotated at ten megabytes, and ten are kept", () => {
  logged(
    'const text = "x".repeat(1_000_000); for (let i = 0; i < 12; i += 1) { log.info(text); await new Promise((resolve) => setImmediate(resolve)); }',
    folder,
  );
  const files = readdirSync(folder).filter((name) => name.includes("router"));
  expect(files.length).toBeGreaterThan(1);
  expect(files.length).toBeLessThanOrEqual(11);
});
