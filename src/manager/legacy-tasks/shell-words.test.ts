import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { joinWords, splitWords } from "./shell-words.ts";

describe("splitting like a shell", () => {
  it.each([
    ["", []],
    ["  \t\n ", []],
    ["param1 param2  param3", ["param1", "param2", "param3"]],
    ["-p sample_dir", ["-p", "sample_dir"]],
    ["'a b' \"c d\" e\\ f", ["a b", "c d", "e f"]],
    ["a'b'\"c\"d", ["abcd"]],
    ["''", [""]],
    ['a "" b', ["a", "", "b"]],
    ['"a\\"b\\\\c\\d\\$e"', ['a"b\\c\\d$e']],
    ["'a\\b'", ["a\\b"]],
    ['a\\\nb "c\\\nd"', ["ab", "cd"]],
    ["end\\", ["end\\"]],
    ["*.txt ? $HOME `id` $(id) ; | & > < # ~", ["*.txt", "?", "$HOME", "`id`", "$(id)", ";", "|", "&", ">", "<", "#", "~"]],
    ["x;evil", ["x;evil"]],
    ["héllo wörld 😀", ["héllo", "wörld", "😀"]],
  ])("%j", (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });

  it.each(["'", '"', "it's", 'say "hi', "a 'b\" c", '"\\"'])("does not guess where an open quote ends: %j", (text) => {
    expect(splitWords(text)).toBeNull();
  });

  it("is what a shell does, where no other syntax of a shell comes in", () => {
    const pieces = ["a", "b", " ", "  ", "'", "'", '"', '"', "\\", "\\\\", "\t", "\n", "-x", "é"];
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return (seed >> 8) % below;
    };
    const texts = Array.from({ length: 3000 }, () => Array.from({ length: random(12) }, () => pieces[random(pieces.length)]).join(""))
      .filter((text) => splitWords(text) !== null && !text.endsWith("\\"))
      .map((text) => text.replace(/^\n+/, ""));
    expect(texts.length).toBeGreaterThan(500);
    // A line break outside of quotes would begin another command.
    const script = texts.filter((text) => !/\n/.test(text)).map((text) => `set -- ${text}\nprintf '%s\\1' "$@"; printf '\\2'`);
    const told = execFileSync("/bin/sh", { input: script.join("\n"), encoding: "utf8" })
      .split("\u0002")
      .slice(0, -1);
    const expected = texts
      .filter((text) => !/\n/.test(text))
      .map((text) => {
        const words = splitWords(text) ?? [];
        // printf runs once without arguments.
        return words.length === 0 ? "\u0001" : words.map((word) => `${word}\u0001`).join("");
      });
    expect(told).toEqual(expected);
  });

  it.each([[["a", "b c", "", "it's", "*", "$x", "\n"]], [[]], [["--opt=1", "/x/y.z"]]])("takes back what it joined: %j", (words) => {
    expect(splitWords(joinWords(words))).toEqual(words);
  });
});
