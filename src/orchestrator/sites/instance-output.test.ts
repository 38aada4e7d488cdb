import { describe, expect, it } from "vitest";
import { InstanceOutput } from "./instance-output.ts";
import { maxLineLength } from "./line-splitter.ts";

function output(limits = { charactersPerSecond: 1_000_000, burstCharacters: 1_000_000 }) {
  const lines: string[] = [];
  let now = 0;
  const taken = new InstanceOutput({ write: (stream, line) => lines.push(`${stream}: ${line}`), clock: { now: () => now }, limits });
  return { lines, taken, pass: (ms: number) => (now += ms) };
}

describe("what an instance prints", () => {
  it("is put together to lines, each stream for itself", () => {
    const { lines, taken } = output();
    taken.take("stdout", "one\ntw");
    taken.take("stderr", "oh\r\n");
    taken.take("stdout", "o\n\nthr");
    expect(lines).toEqual(["stdout: one", "stderr: oh", "stdout: two", "stdout: "]);
    taken.end();
    expect(lines.at(-1)).toBe("stdout: thr");
  });

  it("is cut where a line is too long, and goes on with the next line", () => {
    const { lines, taken } = output();
    for (let part = 0; part < 40; part += 1) taken.take("stdout", "x".repeat(1_000));
    taken.take("stdout", "\nnext\n");
    expect(lines).toEqual([`stdout: ${"x".repeat(maxLineLength)}… (cut)`, "stdout: next"]);
  });

  it("is left out when it comes too fast, which is said once", () => {
    const { lines, taken, pass } = output({ charactersPerSecond: 100, burstCharacters: 200 });
    for (let line = 0; line < 50; line += 1) taken.take("stdout", "0123456789\n");
    expect(lines).toHaveLength(18);
    pass(1_000);
    taken.take("stdout", "slower\n");
    expect(lines.slice(18)).toEqual(["platform: the program prints too fast: 352 characters were left out here", "stdout: slower"]);
  });

  it("explains the end by errors first", () => {
    const { taken } = output();
    taken.take("stderr", "KeyError: 'name'\n");
    taken.take("stdout", "bye\n");
    expect(taken.lastLine()).toBe("KeyError: 'name'");
  });

  it("explains the end by ordinary output when there are no errors", () => {
    const { taken } = output();
    expect(taken.lastLine()).toBeNull();
    taken.take("stdout", "bye\n");
    expect(taken.lastLine()).toBe("bye");
  });
});
