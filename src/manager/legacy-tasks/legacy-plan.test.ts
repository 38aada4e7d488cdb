import { describe, expect, it } from "vitest";
import { runProgram } from "#contract/internal/runs.ts";
import { failsInRunner, planLegacyRun } from "./legacy-plan.ts";
import { isDict, parsePythonJson } from "./python-value.ts";

const uid = "604a5e38-06f9-11e9-a0e9-0242ac140004";
const nothing = { program: { kind: "script", path: `no such script (${uid})` }, arguments: [] };

function given(args: unknown) {
  const value = parsePythonJson(typeof args === "string" ? args : JSON.stringify(args));
  if (!isDict(value)) throw new Error("not a dict");
  return value;
}

function plan(script: string, args: unknown, allowsCommands = false): unknown {
  const planned = planLegacyRun({ script, arguments: given(args) }, { uid, allowsCommands });
  if ("errors" in planned) return planned.errors.dict;
  // What the orchestrator will take.
  runProgram.parse(planned.plan.program);
  return planned.plan;
}

const script = (path: string, ...args: string[]) => ({ program: { kind: "script", path }, arguments: args });

describe("a run without commands", () => {
  it.each([
    ["touch.sh", { "": "sample_file.txt" }, script("touch.sh", "sample_file.txt")],
    ["mkdir.sh", { "-p": "", "": "sample_dir" }, script("mkdir.sh", "-p", "sample_dir")],
    ["mkdir.sh", { "": "param1 param2  param3" }, script("mkdir.sh", "param1", "param2", "param3")],
    ["touch.sh", { "": "'two words' \"and more\" and\\ this" }, script("touch.sh", "two words", "and more", "and this")],
    ["ls.sh", { b: "x", "10": "y", "2": "z", a: "w" }, script("ls.sh", "2", "z", "10", "y", "b", "x", "a", "w")],
    ["ls.sh", '{"b":"x","10":"y","2":"z","a":"w"}', script("ls.sh", "b", "x", "10", "y", "2", "z", "a", "w")],
    ["ls.sh", '{"-a":"1","-b":"2","-a":"3"}', script("ls.sh", "-a", "3", "-b", "2")],
    ["ls.sh", { "": "", a: null, b: false, c: 0, d: [], e: {}, f: 0.0 }, script("ls.sh", "a", "b", "c", "d", "e", "f")],
    ["ls.sh", '{"": -0.0, "f": 0e5}', script("ls.sh", "f")],
    ["ls.sh", {}, script("ls.sh")],
    ["ls.sh", { "": "*.txt; evil $(id) | x > y" }, script("ls.sh", "*.txt;", "evil", "$(id)", "|", "x", ">", "y")],
    ["reports/daily.sh", {}, script("reports/daily.sh")],
    ["//reports/./daily.sh", {}, script("reports/daily.sh")],
    ["x; evil", {}, script("x; evil")],
  ])("%s %j", (name, args, expected) => {
    expect(plan(name, args)).toEqual(expected);
  });

  it.each(["../../bin/ls", "..", "reports/../../x", "reports/..", ".hidden", "reports/.hidden", "/", ".", "ls.sh/"])(
    "never runs %s, which is no path in the library",
    (name) => {
      expect(plan(name, { "": "x" })).toEqual(nothing);
    },
  );

  it.each([[{ n: 5 }], [{ n: true }], [{ n: ["x"] }], [{ n: { x: 1 } }], ['{"n": 0.5}'], ['{"n": 12345678901234567890123}']])(
    "never runs with %j, where the original's runner failed",
    (args) => {
      expect(plan("ls.sh", args)).toEqual(nothing);
      expect(plan("ls.sh", args, true)).toEqual(nothing);
      expect(failsInRunner(given(args))).toBe(true);
    },
  );

  it.each([
    [{ "": "it's" }, "A quotation mark in it is not closed."],
    [{ "": "a\0b" }, "Null characters are not allowed."],
    [{ "\0": "" }, "Null characters are not allowed."],
    [{ "": "\ud800" }, "Surrogate characters are not allowed: U+D800."],
    [{ "": "x".repeat(32_769) }, "Ensure this field has no more than 32768 characters."],
    [{ "": "x ".repeat(1001) }, "Ensure this field has no more than 1000 elements."],
  ])("%j cannot be run at all, which is said at once", (args, problem) => {
    expect(plan("ls.sh", args)).toEqual([["arguments", [problem]]]);
  });
});

describe("a run with commands", () => {
  it.each([
    [
      "echo",
      { "": "Hello World!" },
      { program: { kind: "script", path: "echo", orCommand: "echo Hello World!", shellArguments: "Hello World!" }, arguments: ["Hello", "World!"] },
    ],
    [
      "ls.sh",
      { "-l": "*.txt 'a b'" },
      { program: { kind: "script", path: "ls.sh", orCommand: "ls.sh -l *.txt 'a b'", shellArguments: "-l *.txt 'a b'" }, arguments: ["-l", "*.txt", "a b"] },
    ],
    ["echo", { "": "it's" }, { program: { kind: "script", path: "echo", orCommand: "echo it's", shellArguments: "it's" }, arguments: [] }],
    ["ls | wc", { "-l": "" }, { program: { kind: "script", path: "ls | wc", orCommand: "ls | wc -l", shellArguments: "-l" }, arguments: ["-l"] }],
    ["./local.sh/", { "": "x" }, { program: { kind: "command", command: "./local.sh/ x" }, arguments: [] }],
    ["test -e .x", {}, { program: { kind: "script", path: "test -e .x", orCommand: "test -e .x", shellArguments: "" }, arguments: [] }],
    ["test -e a/.x", {}, { program: { kind: "command", command: "test -e a/.x" }, arguments: [] }],
    ["ls ..", {}, { program: { kind: "script", path: "ls ..", orCommand: "ls ..", shellArguments: "" }, arguments: [] }],
  ])("%s %j goes to a shell as it stands", (name, args, expected) => {
    expect(plan(name, args, true)).toEqual(expected);
  });

  it.each(["../../bin/ls", "../x.sh -l", "a/../../b"])("does not run %s either: a script's path does not lead out", (name) => {
    expect(plan(name, {}, true)).toEqual(nothing);
  });
});
