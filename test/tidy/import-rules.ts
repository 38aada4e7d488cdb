import { dirname } from "node:path";
import { mayImport, mayUse, testSupport, widerView, wideTests } from "./dependency-table.ts";
import type { Import, SourceFile } from "./source-file.ts";

/** A rule looks at all files and says what is wrong, a line each. */
export type Rule = (files: readonly SourceFile[]) => readonly string[];

const isTest = (path: string): boolean => /\.(test|fixture)\.tsx?$/.test(path);
const at = (file: SourceFile, line: number): string => `${file.path}:${line}`;

/** Every import stays inside the table of who may import whom. */
export const importsFollowTheTable: Rule = (files) =>
  files.flatMap((file) =>
    file.imports.flatMap((entry) => {
      const refusal = entry.target === undefined ? undefined : refusedTarget(file, entry.target);
      return refusal === undefined ? [] : [`${at(file, entry.line)} imports ${entry.target}: ${refusal}`];
    }),
  );

function refusedTarget(file: SourceFile, target: string): string | undefined {
  const from = areaOf(file.path);
  // Suites in test/ and benchmarks bring everything together.
  if (from === undefined || widerView[file.path]?.targets.test(target)) return undefined;
  if (isTest(file.path) && (testSupport.test(target) || wideTests[from]?.targets.test(target))) return undefined;
  const to = areaOf(target);
  if (to === from && from !== "") return undefined;
  const allowed = mayImport[from] ?? [];
  if ((to !== undefined && allowed.includes(to)) || allowed.some((each) => target === `src/${each}`)) return undefined;
  return `${from || "a file of src/"} may import only ${[from, ...allowed].join(", ")}`;
}

/** The folder of the table that a file belongs to; "" directly in src/; undefined where the table says nothing. */
function areaOf(path: string): string | undefined {
  if (path.startsWith("web/")) return "web";
  const parts = path.split("/");
  if (parts[0] !== "src") return undefined;
  return parts.length === 2 ? "" : parts[1];
}

/** Beside each other files import each other by ./, and an import that leaves its folder of src/ begins with #. */
export const importsAreWrittenTheirWay: Rule = (files) =>
  files.flatMap((file) => {
    const from = areaOf(file.path);
    if (from === undefined || from === "" || from === "web") return [];
    return file.imports.flatMap((entry) => {
      if (entry.target === undefined || testSupport.test(entry.target)) return [];
      const isBeside = dirname(entry.target) === dirname(file.path);
      if (entry.specifier.startsWith("#") && isBeside) return [`${at(file, entry.line)} imports ${entry.specifier}: it stands beside, write ./`];
      if (entry.specifier.startsWith(".") && areaOf(entry.target) !== from)
        return [`${at(file, entry.line)} imports ${entry.specifier}: across folders write #`];
      return [];
    });
  });

/** No file needs, by a chain of imports, itself. An `import()` comes later and closes no circle. */
export const importsMakeNoCircle: Rule = (files) => {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, chain: readonly string[]): void => {
    if (chain.includes(path)) {
      circles.push([...chain.slice(chain.indexOf(path)), path].join(" → "));
      return;
    }
    if (done.has(path)) return;
    for (const entry of byPath.get(path)?.imports ?? []) if (entry.target !== undefined && !entry.isLazy) visit(entry.target, [...chain, path]);
    done.add(path);
  };
  for (const file of files) visit(file.path, []);
  return circles;
};

/** Packages are those that the folder may use. */
export const packagesFollowTheTable: Rule = (files) =>
  files.flatMap((file) => {
    const limits = isTest(file.path) ? undefined : mayUse[areaOf(file.path) ?? ""];
    if (limits === undefined) return [];
    const refused = file.imports.filter((entry) => entry.target === undefined && !limits.packages.test(entry.specifier));
    return refused.map((entry) => `${at(file, entry.line)} imports ${entry.specifier}: ${areaOf(file.path)} may not, because ${limits.because}`);
  });

/** What runs in production needs nothing that only developers install. */
export function packagesAreDependencies(dependencies: readonly string[]): Rule {
  const nameOf = (specifier: string): string => specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  const isMissing = (entry: Import): boolean =>
    entry.target === undefined && !entry.specifier.startsWith("node:") && !dependencies.includes(nameOf(entry.specifier));
  return (files) =>
    files
      .filter((file) => file.path.startsWith("src/") && !isTest(file.path))
      .flatMap((file) =>
        file.imports.filter(isMissing).map((entry) => `${at(file, entry.line)} imports ${entry.specifier}, which is not among "dependencies"`),
      );
}
