import { spawn } from "node:child_process";
import { expect, it } from "vitest";
import { identify, isHalted, isStill, signalProcess } from "./process-table.ts";
import { sandboxTree } from "./process-tree.ts";
import { signalFreezer } from "./signal-freezer.ts";

const poll = { timeout: 30_000, interval: 10 };
// A child in a session of its own, one that forks all the time, and one that somebody has halted in there.
const script = `
  setsid sh -c 'while :; do sleep 0.01; done' &
  sh -c 'while :; do /bin/true; done' &
  sleep 1000 & kill -STOP $!
  wait`;

it("halts every process of a tree and lets it go on, but for what was halted before", async () => {
  const child = spawn("sh", ["-c", script], { stdio: "ignore" });
  try {
    const root = identify(child.pid ?? 0);
    if (root === null) throw new Error("it did not start");
    const tree = sandboxTree(root);
    const all = () => [root, ...tree.members()];
    await expect.poll(() => [tree.members().length >= 3, tree.members().some(({ pid }) => isHalted(pid))], poll).toEqual([true, true]);
    const freezer = signalFreezer({ members: all });
    for (let round = 0; round < 5; round += 1) {
      await freezer.freeze();
      const still = all();
      expect(still.filter(({ pid }) => !isStill(pid))).toEqual([]);
      expect(all()).toEqual(still);
      freezer.thaw();
      freezer.thaw();
      await expect.poll(() => tree.members().filter(({ pid }) => isHalted(pid)).length, poll).toBe(1);
    }
  } finally {
    const root = identify(child.pid ?? 0);
    for (const each of root === null ? [] : [...sandboxTree(root).members(), root]) signalProcess(each, "SIGKILL");
  }
});

it("gives up on what does not come to stand, and lets all of it go on", async () => {
  const child = spawn("sleep", ["1000"], { stdio: "ignore" });
  try {
    const found = identify(child.pid ?? 0);
    if (found === null) throw new Error("it did not start");
    // Init never halts, and stands for what hangs in a system call.
    const freezer = signalFreezer({ members: () => [found, { pid: 1, startTime: "no such process" }] });
    await expect(freezer.freeze()).rejects.toThrow(/not everything stood still/);
    expect(isHalted(found.pid)).toBe(false);
  } finally {
    child.kill("SIGKILL");
  }
});
