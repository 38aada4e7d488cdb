// Values as Python reads them from JSON: it tells 1 from 1.0, keeps the order of names and has whole numbers of any size.
// They are plain JSON themselves, so that the database gives back what a client sent.
import { type Node, parseTree } from "jsonc-parser";
import { z } from "zod";

/** A number by the text that Python would write for it. */
export type PythonNumber = { readonly int: string } | { readonly float: string };
/** A dict: names with values, in order. */
export interface PythonDict {
  readonly dict: readonly (readonly [name: string, value: PythonValue])[];
}
export type PythonValue = null | boolean | string | PythonNumber | PythonDict | readonly PythonValue[];

/** A value as it was stored; what was not written by this file is refused. */
export const pythonValue: z.ZodType<PythonValue> = z.lazy(() =>
  z.union([
    z.null(),
    z.boolean(),
    z.string(),
    z.strictObject({ int: z.string() }),
    z.strictObject({ float: z.string() }),
    z.strictObject({ dict: z.array(z.tuple([z.string(), pythonValue])) }),
    z.array(pythonValue),
  ]),
);

/** The text is not JSON; the message says why. */
export class JsonProblem extends Error {}

/** Python gives up near 1000 levels; nobody's arguments are this deep. */
const maxDepth = 200;

/**
 * Reads JSON as Python's own parser does, but for what it takes beyond the standard: NaN, Infinity and numbers too large to be finite.
 * @throws {JsonProblem}
 */
export function parsePythonJson(text: string): PythonValue {
  try {
    JSON.parse(text);
  } catch (cause) {
    throw new JsonProblem(cause instanceof Error ? cause.message : "", { cause });
  }
  checkDepth(text);
  const root = parseTree(text);
  if (root === undefined) throw new JsonProblem("there is nothing in it");
  return readNode(root, text);
}

// Before the tree is built, which takes a stack frame for each level. The text is valid JSON already.
function checkDepth(text: string): void {
  let depth = 0;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/g)) {
    if (token === "[" || token === "{") depth += 1;
    else if (token === "]" || token === "}") depth -= 1;
    if (depth > maxDepth) throw new JsonProblem(`it is nested deeper than ${maxDepth} levels`);
  }
}

function readNode(node: Node, text: string): PythonValue {
  const source = text.slice(node.offset, node.offset + node.length);
  switch (node.type) {
    case "object":
      return { dict: dictOf(node, text) };
    case "array":
      return (node.children ?? []).map((child) => readNode(child, text));
    case "number":
      return numberOf(source);
    case "string":
      return JSON.parse(source) as string;
    case "boolean":
      return source === "true";
    default:
      return null;
  }
}

// A name that comes twice has its last value at its first place: what a Map does too.
function dictOf(node: Node, text: string): PythonDict["dict"] {
  const members = new Map<string, PythonValue>();
  for (const { children } of node.children ?? []) {
    const [name, value] = children ?? [];
    if (name === undefined || value === undefined) continue;
    members.set(JSON.parse(text.slice(name.offset, name.offset + name.length)) as string, readNode(value, text));
  }
  return [...members];
}

function numberOf(source: string): PythonNumber {
  if (!/[.eE]/.test(source)) return { int: source === "-0" ? "0" : source };
  const value = Number(source);
  if (!Number.isFinite(value)) throw new JsonProblem(`the number ${source} is too large`);
  return { float: floatText(value) };
}

/** `float.__repr__`: the shortest digits that read back the same, with an exponent below 1e-4 and from 1e16 on. */
function floatText(value: number): string {
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const [mantissa = "0", exponentText = "0"] = Math.abs(value).toExponential().split("e");
  const exponent = Number(exponentText);
  const digits = mantissa.replace(".", "");
  if (exponent < -4 || exponent >= 16) return `${sign}${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${digits.slice(exponent + 1) || "0"}`;
}

export function isDict(value: PythonValue): value is PythonDict {
  return typeof value === "object" && value !== null && "dict" in value;
}

export function isNumber(value: PythonValue): value is PythonNumber {
  return typeof value === "object" && value !== null && ("int" in value || "float" in value);
}

/** The text of a number, as `str` gives it. */
export function numberText(value: PythonNumber): string {
  return "int" in value ? value.int : value.float;
}

/** What `type(value).__name__` says. */
export function typeName(value: PythonValue): string {
  if (value === null) return "NoneType";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "string") return "str";
  if (isDict(value)) return "dict";
  if (isNumber(value)) return "int" in value ? "int" : "float";
  return "list";
}

/** Whether Python's `if value` would go on. */
export function isTruthy(value: PythonValue): boolean {
  if (value === null || typeof value === "boolean") return value === true;
  if (typeof value === "string") return value !== "";
  if (isDict(value)) return value.dict.length > 0;
  if (isNumber(value)) return Number(numberText(value)) !== 0;
  return value.length > 0;
}
