import { languages } from "@codemirror/language-data";
import { expect, test } from "vitest";
import { indentUnitOf, indentWords, languageOf } from "./language.ts";

test.each([
  ["public/index.html", "", "HTML"],
  ["server.mjs", "", "JavaScript"],
  ["app.TSX", "", "TSX"],
  ["app.mts", "", "TypeScript"],
  ["run.sh", "", "Shell"],
  ["private/app.py", "", "Python"],
  ["Dockerfile", "", "Dockerfile"],
  [".env", "", "Properties files"],
  [".env.local", "", "Properties files"],
  ["img/logo.svg", "", "XML"],
  ["notes.md", "", "Markdown"],
  ["templates/a.j2", "", "Jinja"],
  ["bin/start", "#!/usr/bin/env python3", "Python"],
  ["bin/start", "#!/bin/sh -e", "Shell"],
  ["bin/start", "#!/usr/bin/env -S node --watch", "JavaScript"],
  ["README", "Read me first", undefined],
  ["notes.txt", "#!/bin/nothing", undefined],
])("%s (first line: %s) is %s", (path, firstLine, name) => {
  expect(languageOf(languages, path, firstLine)?.name).toBe(name);
});

test("the step of indentation is what most deeper lines say", () => {
  expect(indentUnitOf(["a", "  b", "    c", "  d", "e"])).toBe("  ");
  expect(indentUnitOf(["def f():", "    x", "", "    if y:", "        z"])).toBe("    ");
  expect(indentUnitOf(["a", "\tb", "\t\tc"])).toBe("\t");
  expect(indentUnitOf(["a", "b"])).toBeNull();
  // The star of a comment's further lines is no step.
  expect(indentUnitOf(["/*", " * a", " */", "f {", "  x", "}"])).toBe("  ");
  expect(indentWords("\t")).toBe("Tabs");
  expect(indentWords("    ")).toBe("4 spaces");
});
