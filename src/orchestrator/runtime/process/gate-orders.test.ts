import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { gateBegins, gateRuns, gateSaid } from "./gate-orders.ts";

it("tells the gate to run a command with its output, its variables and nothing that the gate holds", () => {
  const order = gateRuns({ stdout: 12, stderr: 13, fileBlocks: 2048, environment: { A: "it's", B: "1\n2" }, command: ["/scripts/a b.sh", "$HOME"] });
  expect(order.split("\n").slice(0, 6)).toEqual([
    "echo began >&7",
    "(exec </dev/null >/proc/self/fd/9/12 2>/proc/self/fd/9/13 7>&- 9<&-",
    "ulimit -f 2048",
    "export A='it'\\''s' B='1",
    "2'",
    "exec '/scripts/a b.sh' '$HOME')",
  ]);
});

it("leaves to another program what a shell would take for its own, and leaves out what is no name", () => {
  const order = gateRuns({ stdout: 1, stderr: 2, fileBlocks: 1, environment: { OPTIND: "x y", "a-b": "1", BASH_ENV: "" }, command: ["true"] });
  expect(order).toContain("\n:\nexec '/usr/bin/env' 'OPTIND=x y' 'BASH_ENV=' 'true')\n");
});

it.each(["/bin/sh", "/bin/bash"].filter((shell) => existsSync(shell)))("takes a list for empty only when its heading was read, in %s", (shell) => {
  const folder = mkdtempSync(join(tmpdir(), "backlot-gate-"));
  try {
    const heading = "       key      shmid perms\n";
    const says = (text: string): string => {
      writeFileSync(join(folder, "list"), text);
      const orders = `exec 7>&1\n${gateBegins}isEmpty '${join(folder, "list")}' && echo clean >&7 || echo used >&7\n`;
      return spawnSync(shell, ["-c", orders], { encoding: "utf8" }).stdout;
    };
    expect(says(heading)).toBe("ready\nclean\n");
    expect(says(`${heading}         0          1   600\n`)).toBe("ready\nused\n");
    // What bash makes of the kernel's.
    expect(says("")).toBe("ready\nused\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it("hears what became of a run, piece by piece", () => {
  expect(gateSaid("")).toEqual({ hasBegun: false, code: null, isClean: null });
  expect(gateSaid("began\nended 1")).toEqual({ hasBegun: true, code: null, isClean: null });
  expect(gateSaid("began\nended 137\n")).toEqual({ hasBegun: true, code: 137, isClean: null });
  expect(gateSaid("began\nended 137\nused\n").isClean).toBe(false);
  expect(gateSaid("began\nended 0\nclean\n")).toEqual({ hasBegun: true, code: 0, isClean: true });
});
