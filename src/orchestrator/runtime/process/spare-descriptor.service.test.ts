import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { titled, whyNoProgram } from "../../../../test/support/needs.ts";

const missing = whyNoProgram("prlimit", "sleep");
const moduleAt = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);

/** Runs a program that may have few descriptors, and takes all that are left with `exhaust()`. */
async function withFewDescriptors(program: string): Promise<readonly string[]> {
  const begin = `
    const { openSync, closeSync, writeFileSync } = await import("node:fs");
    const taken = [];
    const exhaust = () => { try { for (;;) taken.push(openSync("/dev/null", "r")); } catch (error) { console.log(error.code); } };
  `;
  const args = ["--nofile=64", process.execPath, "--input-type=module", "--eval", begin + program];
  const { stdout } = await promisify(execFile)("prlimit", args);
  return stdout.trim().split("\n");
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "backlot-spare-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe.skipIf(missing !== null)(titled("a process that has no descriptor left", missing), () => {
  test("still sees that its programs live, as often as it looks", async () => {
    const program = `
      const { identify, isAlive } = await import(${moduleAt("./process-table.ts")});
      const self = identify(process.pid);
      exhaust();
      console.log(isAlive(self), isAlive(self));
    `;
    expect(await withFewDescriptors(program)).toEqual(["EMFILE", "true true"]);
  });

  test("takes no program for gone that it knows by its mark or its group only, and has its spare one back as soon as there is one", async () => {
    mkdirSync(join(folder, "below"));
    const program = `
      const { spawn } = await import("node:child_process");
      const { once } = await import("node:events");
      const { markedTree, sandboxTree } = await import(${moduleAt("./process-tree.ts")});
      const { cgroupProcesses } = await import(${moduleAt("./cgroups.ts")});
      const { identify } = await import(${moduleAt("./process-table.ts")});
      const { withSpare } = await import(${moduleAt("./spare-descriptor.ts")});
      const [folder, mark] = [${JSON.stringify(folder)}, ${JSON.stringify(`${folder}/1`)}];
      const start = (env) => spawn("sleep", ["120"], { env, stdio: "ignore" });
      const [marked, grouped] = [start({ BACKLOT_INSTANCE: mark }), start({})];
      writeFileSync(folder + "/cgroup.procs", "");
      writeFileSync(folder + "/below/cgroup.procs", grouped.pid + "\\n");
      const nobody = { pid: marked.pid, startTime: "another" };
      const trees = [
        markedTree(nobody, { mark, grouped: () => [] }),
        markedTree(nobody, { mark: "nothing", grouped: () => cgroupProcesses(folder) }),
        sandboxTree(identify(marked.pid)),
      ];
      const say = () => console.log(trees.map((tree) => tree.isGone()).join(), trees.slice(0, 2).map((tree) => tree.members().map(({ pid }) => [marked.pid, grouped.pid].indexOf(pid))).join());
      exhaust();
      say();
      // Another thread takes the spare one in the moment in which it is given up.
      let turn = 0;
      withSpare(() => {
        turn += 1;
        if (turn === 1) throw Object.assign(new Error("no descriptor"), { code: "EMFILE" });
        taken.push(openSync("/dev/null", "r"));
      });
      console.log(trees.map((tree) => tree.isGone()).join());
      closeSync(taken.pop());
      say();
      exhaust();
      say();
      const ended = Promise.all([once(marked, "exit"), once(grouped, "exit")]);
      for (const child of [marked, grouped]) child.kill("SIGKILL");
      await ended;
      console.log(trees.map((tree) => tree.isGone()).join());
    `;
    const seen = "false,false,false 0,1";
    expect(await withFewDescriptors(program)).toEqual(["EMFILE", seen, "false,false,false", seen, "EMFILE", seen, "true,true,true"]);
  });
});
