import { expect, it } from "vitest";
import { gateRuns, gateSaid } from "./gate-orders.ts";

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

it("hears what became of a run, piece by piece", () => {
  expect(gateSaid("")).toEqual({ hasBegun: false, code: null, isClean: null });
  expect(gateSaid("began\nended 1")).toEqual({ hasBegun: true, code: null, isClean: null });
  expect(gateSaid("began\nended 137\n")).toEqual({ hasBegun: true, code: 137, isClean: null });
  expect(gateSaid("began\nended 137\nused\n").isClean).toBe(false);
  expect(gateSaid("began\nended 0\nclean\n")).toEqual({ hasBegun: true, code: 0, isClean: true });
});
