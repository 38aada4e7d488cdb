import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { type Node, type Program, parseSync, visitorKeys } from "oxc-parser";

/** One import, re-export or `import()` of a file. */
export interface Import {
  /** As written: `./x.ts`, `#kit/log.ts`, `node:fs`, `zod`. */
  readonly specifier: string;
  /** The file of this repository that it means, undefined for packages. */
  readonly target?: string;
  /** `import("…")`: loaded when it is reached. */
  readonly isLazy: boolean;
  readonly line: number;
}

/** A parsed file of this repository; paths are relative to its root. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly lineCount: number;
  readonly imports: readonly Import[];
  readonly program: Program;
  readonly comments: readonly { readonly value: string; readonly start: number; readonly end: number }[];
  lineAt(offset: number): number;
}

/** Parses a text as the file at this path. */
export function parseSource(path: string, text: string): SourceFile {
  const { program, module, comments, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message}`);
  const lineStarts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  const lineAt = (offset: number): number => lineStarts.findLastIndex((start) => start <= offset) + 1;
  const found: { readonly specifier: string; readonly start: number; readonly isLazy: boolean }[] = [
    ...module.staticImports.map(({ moduleRequest, start }) => ({ specifier: moduleRequest.value, start, isLazy: false })),
    ...module.staticExports.flatMap(({ entries, start }) =>
      entries[0]?.moduleRequest ? [{ specifier: entries[0].moduleRequest.value, start, isLazy: false }] : [],
    ),
    ...lazyImports(program),
  ];
  const imports = found.map(({ specifier, start, isLazy }) => {
    const target = resolveImport(path, specifier);
    return { specifier, isLazy, line: lineAt(start), ...(target === undefined ? {} : { target }) };
  });
  return { path, text, lineCount: text.trimEnd() === "" ? 0 : lineAt(text.trimEnd().length), imports, program, comments, lineAt };
}

/** Every TypeScript file below these folders. */
export function readSources(root: string, folders: readonly string[]): readonly SourceFile[] {
  return listFiles(root, folders)
    .filter((path) => /\.tsx?$/.test(path) && !path.endsWith(".d.ts"))
    .map((path) => parseSource(path, readFileSync(join(root, path), "utf8")));
}

/** Every file below these folders, but for what tools wrote there. */
export function listFiles(root: string, folders: readonly string[]): readonly string[] {
  const files: string[] = [];
  for (const folder of folders) {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isFile()) files.push(path);
      else if (entry.isDirectory() && !["node_modules", "dist"].includes(entry.name)) files.push(...listFiles(root, [path]));
    }
  }
  return files;
}

/** Calls `visit` for this node and every node below it, each with the one that holds it. */
export function walk(node: Node, visit: (node: Node, parent: Node | undefined) => void, parent?: Node): void {
  visit(node, parent);
  for (const key of visitorKeys[node.type] ?? []) {
    // The keys are those under which the parser puts nodes, lists of nodes, or nothing.
    const below = (node as unknown as Record<string, Node | readonly (Node | null)[] | null>)[key];
    for (const child of Array.isArray(below) ? below : [below]) if (child) walk(child, visit, node);
  }
}

// `import("…")` as an expression loads later; as a type it is an import like any other.
function lazyImports(program: Program): readonly { readonly specifier: string; readonly start: number; readonly isLazy: boolean }[] {
  const found: { specifier: string; start: number; isLazy: boolean }[] = [];
  walk(program, (node) => {
    if (node.type !== "ImportExpression" && node.type !== "TSImportType") return;
    const { source } = node;
    if (source.type === "Literal" && typeof source.value === "string") {
      found.push({ specifier: source.value, start: node.start, isLazy: node.type === "ImportExpression" });
    }
  });
  return found;
}

function resolveImport(path: string, specifier: string): string | undefined {
  if (specifier.startsWith("#")) return `src/${specifier.slice(1)}`;
  if (specifier.startsWith(".")) return normalize(join(dirname(path), specifier));
  return undefined;
}
