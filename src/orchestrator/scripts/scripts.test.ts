import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findScript } from "./find-script.ts";
import { describeScript, listScripts } from "./list-scripts.ts";
import { openLibrary } from "./script-library.ts";
import { manualCandidates, parseManual } from "./script-manual.ts";

function open() {
  const base = mkdtempSync(join(tmpdir(), "backlot-scripts-"));
  const root = join(base, "scripts");
  mkdirSync(root);
  const put = (path: string, text: string, mode = 0o755) => {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), text);
    chmodSync(join(root, path), mode);
  };
  return { base, root, jail: { root, owner: null }, put, [Symbol.dispose]: () => rmSync(base, { recursive: true }) };
}

it("finds a script strictly inside its folder, and tells what has to run it", async () => {
  using library = open();
  library.put("a.sh", "#!/bin/sh\n");
  library.put("deep/b", "echo\n");
  library.put("program", "\x7fELF...");
  library.put("plain", "#!/bin/sh\n", 0o644);
  writeFileSync(join(library.base, "outside.sh"), "#!/bin/sh\n", { mode: 0o755 });
  symlinkSync("../outside.sh", join(library.root, "out"));
  symlinkSync("/etc", join(library.root, "etc"));
  symlinkSync("a.sh", join(library.root, "in"));
  const found = async (path: string) => {
    const script = await findScript(library.jail, path);
    return script.kind === "script" ? `runs${script.needsShell ? " by a shell" : ""}` : script.kind;
  };
  const paths = ["a.sh", "deep/b", "program", "in", "plain", "deep", "absent", "out", "../outside.sh", "etc/passwd", "a.sh/x", ""];
  expect(await Promise.all(paths.map(found))).toEqual([
    ...["runs", "runs by a shell", "runs", "runs", "not-executable", "not-executable"],
    ...["not-found", "not-found", "not-found", "not-found", "not-found", "not-executable"],
  ]);
});

it("lists scripts with their manuals, and manuals as no scripts", async () => {
  using library = open();
  library.put("report.py", "#!/usr/bin/env python3\n");
  library.put("report.yaml", "title: Report\nparameters:\n  - name: day\n    isRequired: true\n", 0o644);
  library.put("sub/job.sh", "#!/bin/sh\n", 0o644);
  library.put("sub/job.sh.json", '{"title": 5}', 0o644);
  library.put(".hidden", "#!/bin/sh\n");
  symlinkSync("/etc/passwd", join(library.root, "out"));
  const listed = await listScripts(library.jail, "");
  expect(listed.map(({ path, isExecutable, manual, manualProblem }) => ({ path, isExecutable, manual, manualProblem }))).toEqual([
    { path: "sub/job.sh", isExecutable: false, manual: {}, manualProblem: expect.stringMatching(/^The manual cannot be used: title: /) },
    {
      path: "report.py",
      isExecutable: true,
      manual: { title: "Report", parameters: [{ name: "day", isRequired: true, type: "text", isMultiple: false }] },
      manualProblem: null,
    },
  ]);
  expect(await listScripts(library.jail, "absent")).toEqual([]);
});

it("lists five hundred scripts at most, and reads no manual that is too large", async () => {
  using library = open();
  for (let index = 0; index < 520; index += 1) library.put(`s${index}`, "");
  const listed = await listScripts(library.jail, "");
  expect(listed).toHaveLength(500);
  library.put("s519.yaml", "title: Not listed", 0o644);
  expect(await describeScript(library.jail, "", "s519")).toMatchObject({ path: "s519", isExecutable: true, manual: { title: "Not listed" } });
  library.put("sub/s1", "");
  expect(await describeScript(library.jail, "sub", "s1")).toMatchObject({ path: "s1", manual: {} });
  for (const path of ["absent", "s519.yaml", "sub", "../s1", ""]) expect(await describeScript(library.jail, "", path)).toBeNull();
  library.put("big/one.sh", "");
  library.put("big/one.yaml", `title: ${"x".repeat(70_000)}`);
  expect((await listScripts(library.jail, "big"))[0]?.manualProblem).toBe("The manual cannot be used: it is larger than 64 KiB.");
});

it("looks at two thousand entries at most", async () => {
  using library = open();
  for (let folder = 0; folder < 30; folder += 1) {
    for (let index = 0; index < 100; index += 1) library.put(`f${String(folder).padStart(2, "0")}/${index}.yaml`, "", 0o644);
    library.put(`f${String(folder).padStart(2, "0")}/script`, "");
  }
  const count = (await listScripts(library.jail, "")).length;
  expect(count).toBeGreaterThan(10);
  expect(count).toBeLessThan(25);
});

it("says what is wrong with a manual", () => {
  expect(parseManual("title: [")).toMatchObject({ manual: {}, problem: expect.stringMatching(/line 1/) });
  expect(parseManual("titel: Tippfehler").problem).toMatch(/titel/);
  expect(parseManual("").problem).toBeNull();
  const lookahead = parseManual("title: Days\nparameters:\n  - {name: day, pattern: '(?=a)b'}");
  expect(lookahead).toEqual({
    manual: {},
    problem: expect.stringMatching(/^The manual cannot be used: the parameter day has a pattern that cannot be used \(.+\)\.$/),
  });
  const bomb = [
    "a: &a [x,x,x,x,x,x,x,x,x]",
    ...Array.from({ length: 8 }, (_, index) => `${"bcdefghi"[index]}: &${"bcdefghi"[index]} [${Array(9).fill(`*${"abcdefgh"[index]}`).join(",")}]`),
  ];
  expect(parseManual(bomb.join("\n")).problem).toMatch(/alias/i);
  expect(manualCandidates("a.sh")).toEqual(["a.sh.yaml", "a.sh.yml", "a.sh.json", "a.yaml", "a.yml", "a.json"]);
});

it("makes the library once, and leaves one that is there alone", async () => {
  using library = open();
  const folder = join(library.base, "new/scripts");
  mkdirSync(join(library.base, "new"));
  await openLibrary(folder);
  expect((await listScripts({ root: folder, owner: null }, "")).map(({ path, isExecutable }) => [path, isExecutable])).toEqual([
    ["ls.sh", true],
    ["mkdir.sh", true],
    ["touch.sh", true],
  ]);
  expect(statSync(folder).mode & 0o777).toBe(0o755);
  await openLibrary(library.root);
  expect(await listScripts(library.jail, "")).toEqual([]);
});
