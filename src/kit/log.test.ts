import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { LogOptions } from "./log.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "backlot-log-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const module = pathToFileURL(join(import.meta.dirname, "log.ts")).href;

/** Runs lines of code with a log in a process of its own: the log goes to that process' stdout. */
function logged(code: string, to: string | undefined, options: Partial<LogOptions> = {}): readonly string[] {
  const script = `import { createLog } from ${JSON.stringify(module)};
const log = createLog(${JSON.stringify({ process: "router", level: "info", folder: to, ...options })});
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
  logged('log.debug("a detail");', folder, { level: "debug" });
  expect(readFileSync(join(folder, "router.log"), "utf8")).toContain("a detail");
});

test("a full file makes way for a new one, the oldest go, and no line is torn", () => {
  const count = 300;
  // Fifteen files' worth, a few lines each turn of the loop: rotating is the work of turns in between.
  const lines = logged(
    `const text = "x".repeat(1_000); for (let i = 0; i < ${count}; i += 1) { log.info({ i }, text); await new Promise((resolve) => setTimeout(resolve, 2)); }`,
    folder,
    { fileBytes: 20_000, keptFiles: 4 },
  );
  // Which full file came after which: numbers of removed ones are given again.
  const history = readFileSync(join(folder, "router.log.txt"), "utf8").trim().split("\n");
  expect(history).toHaveLength(4);
  const files = [...history.map((path) => basename(path)), "router.log"];
  expect(readdirSync(folder).toSorted()).toEqual([...files, "router.log.txt"].toSorted());
  for (const file of files) expect(statSync(join(folder, file)).size).toBeLessThan(20_000 + 2_000);
  const kept = files.flatMap((file) => readFileSync(join(folder, file), "utf8").trim().split("\n"));
  // The newest, whole, in order.
  expect(kept.length).toBeGreaterThan(60);
  expect(kept).toEqual(lines.slice(-kept.length));
});

test("ten full files of ten megabytes are kept unless told otherwise", () => {
  logged(
    'const text = "x".repeat(1_000_000); for (let i = 0; i < 12; i += 1) { log.info(text); await new Promise((resolve) => setTimeout(resolve, 2)); }',
    folder,
  );
  const files = readdirSync(folder).filter((name) => name.endsWith("router.log"));
  expect(files).toHaveLength(2);
  expect(files.map((name) => statSync(join(folder, name)).size > 10_000_000).toSorted()).toEqual([false, true]);
});
