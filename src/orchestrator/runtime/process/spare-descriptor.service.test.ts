import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { titled, whyNoProgram } from "../../../../test/support/needs.ts";

const missing = whyNoProgram("prlimit");
const program = (file: string): string => `
  const { openSync, closeSync } = await import("node:fs");
  const { identify, isAlive } = await import(${JSON.stringify(file)});
  const self = identify(process.pid);
  const taken = [];
  try { for (;;) taken.push(openSync("/dev/null", "r")); } catch (error) { console.log(error.code); }
  console.log(isAlive(self), isAlive(self));
`;

test.skipIf(missing !== null)(titled("a process that has no descriptor left still sees that its programs live, as often as it looks", missing), async () => {
  const args = ["--nofile=64", process.execPath, "--input-type=module", "--eval", program(new URL("./process-table.ts", import.meta.url).href)];
  const { stdout } = await promisify(execFile)("prlimit", args);
  expect(stdout.split("\n")).toEqual(["EMFILE", "true true", ""]);
});
