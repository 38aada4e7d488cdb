import type { LanguageDescription } from "@codemirror/language";
import { baseOf } from "../paths.ts";

/** Names that say the language without an ending. */
const byName: readonly (readonly [RegExp, string])[] = [
  [/^(Procfile|\.?bashrc|\.profile|\.bash_.*|\.zshrc)$/, "Shell"],
  [/^\.env(\..+)?$/, "Properties files"],
  [/^(\.gitconfig|\.editorconfig|\.npmrc|\.flaskenv)$/, "Properties files"],
  [/^(Pipfile|poetry\.lock|uv\.lock)$/, "TOML"],
  [/^(\.prettierrc|\.eslintrc|\.babelrc|composer\.lock|.*\.webmanifest|.*\.(json5|jsonc))$/, "JSON"],
  [/^(Gemfile|Rakefile)$/, "Ruby"],
  [/\.(jinja2?|j2)$/, "Jinja"],
  [/\.(svg|xhtml|rss|atom)$/, "XML"],
  [/\.(mts|cts)$/, "TypeScript"],
  [/\.ejs$/, "HTML"],
];

/** Programs of a first line such as `#!/usr/bin/env python3`. */
const byProgram: readonly (readonly [RegExp, string])[] = [
  [/\b(ba|da|z|k)?sh\b/, "Shell"],
  [/\bpython[\d.]*\b/, "Python"],
  [/\b(node|deno|bun)\b/, "JavaScript"],
  [/\bperl\b/, "Perl"],
  [/\bruby\b/, "Ruby"],
  [/\bphp\b/, "PHP"],
];

/** The language of a file by its name, else by its first line; null for plain text. */
export function languageOf(languages: readonly LanguageDescription[], path: string, firstLine = ""): LanguageDescription | null {
  const name = baseOf(path);
  const called = (wanted: string): LanguageDescription | null => languages.find((each) => each.name === wanted) ?? null;
  const special = byName.find(([pattern]) => pattern.test(name))?.[1];
  if (special !== undefined) return called(special);
  const ending = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase();
  const known = languages.find((each) => each.filename?.test(name) === true || (ending !== undefined && each.extensions.includes(ending)));
  if (known !== undefined) return known;
  const program = firstLine.startsWith("#!") ? byProgram.find(([pattern]) => pattern.test(firstLine))?.[1] : undefined;
  return program === undefined ? null : called(program);
}

/** What one level of indentation is in this text: a tab, or so many spaces; null when it has none. */
export function indentUnitOf(lines: Iterable<string>): string | null {
  const steps = new Map<string, number>();
  let before = 0;
  let seen = 0;
  for (const line of lines) {
    if (++seen > 2000) break;
    if (line.trim() === "") continue;
    const lead = /^[ \t]*/.exec(line)?.[0] ?? "";
    if (lead.includes("\t")) {
      count(steps, "\t");
      continue;
    }
    // Only deeper lines tell: how far one goes back out depends on how many levels end there.
    const deeper = lead.length - before;
    if (deeper >= 2 && deeper <= 8) count(steps, " ".repeat(deeper));
    before = lead.length;
  }
  const [best] = [...steps].sort((a, b) => b[1] - a[1]);
  return best?.[0] ?? null;
}

function count(steps: Map<string, number>, step: string): void {
  steps.set(step, (steps.get(step) ?? 0) + 1);
}

/** A level of indentation in words. */
export function indentWords(unit: string): string {
  return unit === "\t" ? "Tabs" : `${unit.length} spaces`;
}
