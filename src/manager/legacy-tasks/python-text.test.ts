import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { titled, whyNotPython } from "../../../test/support/needs.ts";
import { pythonJson, pythonRepr } from "./python-text.ts";
import { parsePythonJson } from "./python-value.ts";

const noPython = whyNotPython();

describe("values as Python writes them", () => {
  it.each([
    // JSON in, JSON out, repr
    ['{"":"sample_file.txt"}', '{"": "sample_file.txt"}', "{'': 'sample_file.txt'}"],
    ['{"-p":"","":"sample_dir"}', '{"-p": "", "": "sample_dir"}', "{'-p': '', '': 'sample_dir'}"],
    ['{"b":"1","10":"2","2":"3","a":"4"}', '{"b": "1", "10": "2", "2": "3", "a": "4"}', "{'b': '1', '10': '2', '2': '3', 'a': '4'}"],
    ['{"a":1,"b":2,"a":3}', '{"a": 3, "b": 2}', "{'a': 3, 'b': 2}"],
    ["[]", "[]", "[]"],
    ["{}", "{}", "{}"],
    [
      "[1,-0,1.0,1.50,-0.0,1e3,1e16,1E-5,0.0001,123456789012345678901234567890]",
      "[1, 0, 1.0, 1.5, -0.0, 1000.0, 1e+16, 1e-05, 0.0001, 123456789012345678901234567890]",
      "[1, 0, 1.0, 1.5, -0.0, 1000.0, 1e+16, 1e-05, 0.0001, 123456789012345678901234567890]",
    ],
    ["[null,true,false]", "[null, true, false]", "[None, True, False]"],
    ['"it\'s"', '"it\'s"', '"it\'s"'],
    ['"\\"it\'s\\""', '"\\"it\'s\\""', "'\"it\\'s\"'"],
    ['"héllo"', '"h\\u00e9llo"', "'héllo'"],
    ['"😀"', '"\\ud83d\\ude00"', "'😀'"],
    ['"\\ud800"', '"\\ud800"', "'\\ud800'"],
    ['"\\u0000\\u001b\\u007f\\n\\\\"', '"\\u0000\\u001b\\u007f\\n\\\\"', "'\\x00\\x1b\\x7f\\n\\\\'"],
    ['"\u00a0\u200b\u2028"', '"\\u00a0\\u200b\\u2028"', "'\\xa0\\u200b\\u2028'"],
    ['{"__proto__":{"x":[1]},"constructor":""}', '{"__proto__": {"x": [1]}, "constructor": ""}', "{'__proto__': {'x': [1]}, 'constructor': ''}"],
  ])("%s", (text, json, repr) => {
    const value = parsePythonJson(text);
    expect(pythonJson(value)).toBe(json);
    expect(pythonRepr(value)).toBe(repr);
  });

  it.each([
    "",
    "{",
    "[1,]",
    "{a:1}",
    "// x\n1",
    "NaN",
    "Infinity",
    '{"a":-Infinity}',
    "1e999",
    "[-1e999]",
    "\ufeff{}",
    "'x'",
    `${"[".repeat(300)}${"]".repeat(300)}`,
  ])("refuses %s", (text) => {
    expect(() => parsePythonJson(text)).toThrow();
  });

  it("is not misled by brackets inside strings when it counts levels", () => {
    expect(pythonJson(parsePythonJson(`["${"[".repeat(300)}\\"${"{".repeat(300)}"]`))).toContain("[[[");
  });

  it.skipIf(noPython !== null)(titled("agrees with Python itself about many values", noPython), () => {
    const texts = samples();
    const script = "import json,sys\nfor line in json.load(sys.stdin):\n v=json.loads(line)\n print(json.dumps([json.dumps(v),repr(v)]))";
    const answers = execFileSync("python3", ["-c", script], {
      input: JSON.stringify(texts),
      encoding: "utf8",
      env: { PYTHONIOENCODING: "utf-8", PATH: process.env.PATH },
    });
    const expected = answers
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as [string, string]);
    const ours = texts.map((text) => {
      const value = parsePythonJson(text);
      return [pythonJson(value), pythonRepr(value)];
    });
    expect(ours).toEqual(expected);
  });
});

/** Many numbers and strings, the same ones at each run. */
function samples(): readonly string[] {
  let seed = 42;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % below;
  };
  const numbers = Array.from({ length: 400 }, () => {
    const digits = String(random(2_000_000_000)).slice(0, 1 + random(9));
    const fraction = random(2) === 0 ? "" : `.${random(100_000)}`;
    const exponent = random(2) === 0 ? "" : `e${random(2) === 0 ? "-" : ""}${random(25)}`;
    return `${random(2) === 0 ? "-" : ""}${digits}${fraction}${exponent}`;
  });
  // Blocks whose characters every Unicode version since 2010 agrees about.
  const code = (): number =>
    [random(0x80), random(0x250), 0x2000 + random(0x6f), 0x4e00 + random(100), 0x1f600 + random(40), 0xd800 + random(0x800), 0xe000 + random(9)][random(7)] ??
    0;
  const strings = Array.from({ length: 400 }, () => JSON.stringify(String.fromCodePoint(...Array.from({ length: random(12) }, code))));
  return [...numbers, ...strings];
}
