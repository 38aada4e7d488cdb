import { expect, test } from "vitest";
import { Failure } from "./failure.ts";
import { parseSitePath, parseUrlPath, urlPathOf } from "./site-path.ts";

const codeOf = (run: () => unknown): string => {
  try {
    run();
    return "fine";
  } catch (error) {
    return error instanceof Failure ? error.code : "bug";
  }
};

test("an ordinary path becomes its segments, the empty one the site's folder", () => {
  expect(parseSitePath("public/img/ä b.png")).toEqual(["public", "img", "ä b.png"]);
  expect(parseSitePath("")).toEqual([]);
});

test.each([
  "/etc/passwd",
  "a/../b",
  "..",
  ".",
  "a//b",
  "a/",
  "a\\b",
  "a\0b",
  "a\nb",
  "a\u202egpj.exe",
  `a/${"x".repeat(256)}`,
  "ä".repeat(128),
  `${"x/".repeat(64)}y`,
  "\ud800",
])("%j is refused", (path) => expect(codeOf(() => parseSitePath(path))).toBe("path_invalid"));

test("names of 255 bytes and dotfiles are fine", () => {
  expect(codeOf(() => parseSitePath("x".repeat(255)))).toBe("fine");
  expect(codeOf(() => parseSitePath(".home/.bashrc"))).toBe("fine");
  expect(codeOf(() => parseSitePath("..."))).toBe("fine");
});

test("a URL's path is decoded segment by segment", () => {
  expect(parseUrlPath("public/a%20b.html")).toEqual({ path: "public/a b.html", isFolder: false });
  expect(parseUrlPath("public/")).toEqual({ path: "public", isFolder: true });
  expect(parseUrlPath("")).toEqual({ path: "", isFolder: true });
});

test.each(["a%2Fb", "%2e%2e/a", "..%2f", "a%00", "%5c", "%", "%zz", "%c3%28"])("%s in a URL is refused", (raw) => {
  expect(codeOf(() => parseUrlPath(raw))).toBe("path_invalid");
});

test("a path survives the way into a URL and back", () => {
  const path = "public/100 %/ä?#&+.txt";
  expect(parseUrlPath(urlPathOf(path)).path).toBe(path);
});

test.each([
  ["soft hyphen", "clu\u00adb"],
  ["combining grapheme joiner", "club\u034f"],
  ["Arabic letter mark", "club\u061c"],
  ["Hangul filler", "club\u3164"],
  ["half-width Hangul filler", "\uffa0club"],
  ["Mongolian vowel separator", "club\u180e"],
  ["zero-width space", "club\u200b"],
  ["mark of direction", "club\u200f"],
  ["line separator", "club\u2028"],
  ["word joiner", "club\u2060"],
  ["invisible plus", "club\u2064"],
  ["isolate", "\u2066club"],
  ["byte order mark", "\ufeffclub"],
  ["annotation", "club\ufffa"],
  ["language tag", "club\u{e0001}"],
  ["tag letter", "club\u{e0061}"],
  ["zero-width joiner among Latin letters", "cl\u200dub"],
  ["zero-width non-joiner at the beginning", "\u200cclub"],
  ["second joiner", "\u06cc\u200c\u200c\u062e"],
  ["variation selector after a letter", "club\ufe0f"],
  ["variation selector after a digit", "club1\ufe0f"],
  ["ideographic variation after a letter", "club\u{e0100}"],
  ["Mongolian variation after a letter", "club\u180b"],
])("a %s is refused in any part of a path", (_, name) => {
  for (const path of [name, `${name}/x`, `x/${name}`]) expect(codeOf(() => parseSitePath(path))).toBe("path_invalid");
});

test.each([
  ["Persian", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645.txt"],
  ["Hindi", "\u0930\u094d\u200d\u092f.txt"],
  ["Sinhala", "\u0dc1\u0dca\u200d\u0dbb\u0dd3"],
  ["Malayalam, at the end", "\u0d28\u0d4d\u200d"],
  ["a family", "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}.png"],
  ["a woman of some complexion at a computer", "\u{1f469}\u{1f3fd}\u200d\u{1f4bb}"],
  ["a red heart, on fire too", "\u2764\ufe0f \u2764\ufe0f\u200d\u{1f525}"],
  ["a keycap", "1\ufe0f\u20e3"],
  ["a flag of letters", "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}"],
  ["two regional letters", "\u{1f1e8}\u{1f1ed}"],
  ["a variant of a Chinese character", "\u845b\u{e0100}"],
  ["a letter with its accent apart", "Cafe\u0301.txt"],
  ["no-break spaces", "5\u202fPM\u00a0.png"],
  ["Hebrew, Arabic, Thai, Korean", "\u05e9\u05dc\u05d5\u05dd \u0633\u0644\u0627\u0645 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 \ud55c\uad6d\uc5b4"],
])("names as people write them are fine: %s", (_, name) => {
  expect(parseSitePath(`public/${name}`)).toEqual(["public", name]);
  expect(parseUrlPath(urlPathOf(`public/${name}`)).path).toBe(`public/${name}`);
});
