import type { Node } from "oxc-parser";
import { longFiles, longFunctions } from "./dependency-table.ts";
import type { Rule } from "./import-rules.ts";
import { type SourceFile, walk } from "./source-file.ts";

const isTest = (path: string): boolean => /\.(test|fixture)\.tsx?$/.test(path) || path.startsWith("test/");
const isProduct = (path: string): boolean => (path.startsWith("src/") || path.startsWith("web/")) && !isTest(path);

/** A rule about single nodes: `judge` says what is wrong with one. */
function nodeRule(applies: (path: string) => boolean, judge: (node: Node, file: SourceFile, parent: Node | undefined) => string | undefined): Rule {
  return (files) =>
    files
      .filter((file) => applies(file.path))
      .flatMap((file) => {
        const problems: string[] = [];
        walk(file.program, (node, parent) => {
          const problem = judge(node, file, parent);
          if (problem !== undefined) problems.push(`${file.path}:${file.lineAt(node.start)} ${problem}`);
        });
        return problems;
      });
}

/** No `export *`, and no file that only hands on what others export. */
export const noBarrels: Rule = (files) =>
  files.flatMap((file) => {
    const statements = file.program.body;
    const handsOn = statements.filter(
      (statement) => (statement.type === "ExportNamedDeclaration" && statement.source !== null) || statement.type === "ExportAllDeclaration",
    );
    const star = statements.some((statement) => statement.type === "ExportAllDeclaration") ? [`${file.path} has export *: name what it exports`] : [];
    const barrel = statements.length > 0 && handsOn.length === statements.length ? [`${file.path} is a barrel: import from where things stand`] : [];
    return [...star, ...barrel];
  });

/** `process.env` is read once, by main.ts. */
export const environmentIsReadOnce: Rule = nodeRule(
  (path) => path.startsWith("src/") && isProduct(path) && path !== "src/main.ts",
  (node) => {
    if (node.type === "MemberExpression" && node.object.type === "Identifier" && node.object.name === "process" && memberName(node) === "env") {
      return "reads process.env: take the setting from the configuration";
    }
    if (node.type === "ImportDeclaration" && node.source.value === "node:process") return "imports node:process: use what main.ts hands out";
    return undefined;
  },
);

/** Programs run by argv. */
export const noShell: Rule = nodeRule(
  () => true,
  (node) => {
    if (node.type === "ImportDeclaration" && /^(node:)?child_process$/.test(node.source.value)) {
      const names = node.specifiers.map((specifier) => (specifier.type === "ImportSpecifier" ? sourceName(specifier.imported) : "*"));
      const refused = names.filter((name) => name === "exec" || name === "execSync" || name === "*");
      return refused.length === 0 ? undefined : `imports ${refused.join(", ")} of child_process: run programs by argv (spawn, execFile)`;
    }
    if (node.type === "Property" && isNamed(node.key, "shell") && isTrue(node.value)) return "sets shell: run programs by argv";
    if (node.type !== "CallExpression" || !/^(spawn|execFile|fork)/.test(node.callee.type === "Identifier" ? node.callee.name : "")) return undefined;
    const options = node.arguments.flatMap((argument) => (argument.type === "ObjectExpression" ? argument.properties : []));
    const shell = options.find((option) => option.type === "Property" && isNamed(option.key, "shell") && option.value.type === "Literal");
    return shell?.type === "Property" && typeof (shell.value.type === "Literal" && shell.value.value) === "string"
      ? "sets shell: run programs by argv"
      : undefined;
  },
);

const isNamed = (key: Node, name: string): boolean => key.type === "Identifier" && key.name === name;
const isTrue = (node: Node): boolean => node.type === "Literal" && node.value === true;

/** Types are true: no `any`, no comment that silences the compiler. */
export const noAny: Rule = (files) => [
  ...nodeRule(
    () => true,
    (node) => (node.type === "TSAnyKeyword" ? "says any: use unknown and parse it" : undefined),
  )(files),
  ...files.flatMap((file) =>
    file.comments
      .filter(({ value }) => /^\s*@ts-(ignore|expect-error|nocheck)\b/.test(value))
      .map(({ start }) => `${file.path}:${file.lineAt(start)} silences the compiler: make the types true`),
  ),
];

/** A `catch` does something, or says why there is nothing to do. */
export const noSilentCatch: Rule = nodeRule(
  () => true,
  (node, file) => {
    const body = node.type === "CatchClause" ? node.body : handlerOfCatch(node);
    if (body === undefined || body.body.length > 0) return undefined;
    const isExplained = file.comments.some(({ start, end }) => start > body.start && end < body.end);
    return isExplained ? undefined : "swallows an error: compensate, translate, or say why nothing is to do";
  },
);

// `.catch(() => {})`
function handlerOfCatch(node: Node): Extract<Node, { type: "BlockStatement" | "FunctionBody" }> | undefined {
  if (node.type !== "CallExpression" || node.callee.type !== "MemberExpression" || memberName(node.callee) !== "catch") return undefined;
  const [handler] = node.arguments;
  if (handler?.type !== "ArrowFunctionExpression" && handler?.type !== "FunctionExpression") return undefined;
  return handler.body?.type === "BlockStatement" ? handler.body : undefined;
}

/** Everything has a name; a configuration file exports by default because its tool says so. */
export const exportsHaveNames: Rule = nodeRule(
  (path) => !/(^|\/)[a-z]+\.config\.ts$/.test(path),
  (node) => (node.type === "ExportDefaultDeclaration" ? "exports by default: give it a name" : undefined),
);

/** No test is left out, or alone. A test that runs may find out that it cannot, and say why: `test.skip("no control groups")`. */
export const testsAllRun: Rule = nodeRule(isTest, (node, _file, parent) => {
  if (node.type !== "MemberExpression" || node.object.type !== "Identifier" || !["it", "test", "describe"].includes(node.object.name)) return undefined;
  const name = memberName(node);
  const saysWhy = name === "skip" && parent?.type === "CallExpression" && parent.arguments.every((argument) => !argument.type.includes("Function"));
  if (saysWhy || !["only", "skip", "todo", "fails"].includes(name ?? "")) return undefined;
  return `has ${node.object.name}.${name}: let it run, or say with skipIf when it cannot`;
});

/** What depends on the machine is left out with a reason in its title: `titled(…)`, or a `${…}` with what the condition asks about. */
export const leftOutWithReason: Rule = nodeRule(isTest, (node, _file, parent) => {
  const name = node.type === "CallExpression" && node.callee.type === "MemberExpression" ? memberName(node.callee) : undefined;
  if (node.type !== "CallExpression" || (name !== "skipIf" && name !== "runIf")) return undefined;
  const title = parent?.type === "CallExpression" && parent.callee === node ? parent.arguments[0] : undefined;
  const asked = node.arguments.flatMap((argument) => [...namesIn(argument)]);
  const isReason = (place: Node): boolean =>
    (place.type === "CallExpression" && place.callee.type === "Identifier" && place.callee.name === "titled") ||
    (place.type === "TemplateLiteral" && asked.some((each) => namesIn(place).has(each)));
  if (title !== undefined && someBelow(title, isReason)) return undefined;
  return `leaves out without a reason: ${name}(…)(titled("…", why), …)`;
});

function namesIn(node: Node): ReadonlySet<string> {
  const names = new Set<string>();
  walk(node, (each) => {
    if (each.type === "Identifier") names.add(each.name);
  });
  return names;
}

function someBelow(node: Node, isOne: (node: Node) => boolean): boolean {
  let isFound = false;
  walk(node, (each) => {
    isFound ||= isOne(each);
  });
  return isFound;
}

/** A file stays readable in one go. */
export function filesAreShort(limits: { readonly product: number; readonly test: number }): Rule {
  return (files) =>
    files.flatMap(({ path, lineCount }) => {
      const limit = longFiles[path]?.lines ?? (isTest(path) ? limits.test : limits.product);
      return lineCount > limit ? [`${path} has ${lineCount} lines, more than ${limit}: which seam is missing?`] : [];
    });
}

/** A function fits on a screen, and takes few things by position; what calls a callback decides what that takes. */
export function functionsAreSmall(limits: { readonly lines: number; readonly parameters: number }): Rule {
  return nodeRule(isProduct, (node, file, parent) => {
    if (node.type !== "FunctionDeclaration" && node.type !== "FunctionExpression" && node.type !== "ArrowFunctionExpression") return undefined;
    const lines = file.lineAt(node.end) - file.lineAt(node.start) + 1;
    const name = node.id?.name ?? nameIn(parent);
    const limit = longFunctions[`${file.path}: ${name}`]?.lines ?? limits.lines;
    if (lines > limit) return `${name} has ${lines} lines, more than ${limit}: divide it`;
    const parameters = node.params.filter((parameter) => !(parameter.type === "Identifier" && parameter.name === "this")).length;
    const isCallback = parent?.type === "CallExpression";
    return !isCallback && parameters > limits.parameters
      ? `${name} takes ${parameters} parameters, more than ${limits.parameters}: take one object`
      : undefined;
  });
}

function nameIn(parent: Node | undefined): string {
  if (parent?.type === "VariableDeclarator" && parent.id.type === "Identifier") return parent.id.name;
  if (parent?.type !== "MethodDefinition" && parent?.type !== "Property" && parent?.type !== "PropertyDefinition") return "a function";
  return parent.key.type === "Identifier" || parent.key.type === "PrivateIdentifier" ? parent.key.name : "a function";
}

function memberName(node: Extract<Node, { type: "MemberExpression" }>): string | undefined {
  if (node.property.type === "Identifier" && !node.computed) return node.property.name;
  return node.property.type === "Literal" && typeof node.property.value === "string" ? node.property.value : undefined;
}

function sourceName(name: Node): string {
  if (name.type === "Identifier") return name.name;
  return name.type === "Literal" ? String(name.value) : "*";
}
