import { isDict, isNumber, numberText, type PythonDict, type PythonValue, typeName } from "./python-value.ts";

/** What a client of the original asks for, once it is valid. */
export interface LegacyCreate {
  /** Without blanks around it. */
  readonly script: string;
  readonly arguments: PythonDict;
}

/** The fields that are not right, each with what is wrong: the shape of Django REST framework's errors. */
export type LegacyErrors = PythonDict;

/** The original's 50 characters were its database column. */
export const maxScriptLength = 1000;

/** Checks a parsed body as the original's serializer does. Results (`started`, `retcode`, …) and unknown fields are ignored. */
export function readLegacyCreate(body: PythonValue): { readonly create: LegacyCreate } | { readonly errors: LegacyErrors } {
  if (body === null) return { errors: errorsOf([["non_field_errors", "No data provided"]]) };
  if (!isDict(body)) return { errors: errorsOf([["non_field_errors", `Invalid data. Expected a dictionary, but got ${typeName(body)}.`]]) };
  const fields = new Map(body.dict);
  const script = readScript(fields.get("script"));
  const given = readArguments(fields.get("arguments"));
  if ("text" in script && "dict" in given) return { create: { script: script.text, arguments: given } };
  const problems: [string, string][] = [];
  if ("problem" in script) problems.push(["script", script.problem]);
  if ("problem" in given) problems.push(["arguments", given.problem]);
  return { errors: errorsOf(problems) };
}

/** Errors by the names of their fields. */
export function errorsOf(problems: readonly (readonly [field: string, problem: string])[]): LegacyErrors {
  return { dict: problems.map(([field, problem]) => [field, [problem]] as const) };
}

/** Why a text can be no part of a command line; undefined when it can. */
export function unusableText(text: string): string | undefined {
  if (text.includes("\0")) return "Null characters are not allowed.";
  if (text.isWellFormed()) return undefined;
  const half = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.exec(text)?.[0] ?? "";
  return `Surrogate characters are not allowed: U+${half.charCodeAt(0).toString(16).toUpperCase()}.`;
}

interface Problem {
  readonly problem: string;
}

function readScript(value: PythonValue | undefined): { readonly text: string } | Problem {
  if (value === undefined) return { problem: "This field is required." };
  if (value === null) return { problem: "This field may not be null." };
  if (typeof value !== "string" && !isNumber(value)) return { problem: "Not a valid string." };
  const text = strip(typeof value === "string" ? value : numberText(value));
  if (text === "") return { problem: "This field may not be blank." };
  if (text.length > maxScriptLength) return { problem: `Ensure this field has no more than ${maxScriptLength} characters.` };
  const problem = unusableText(text);
  return problem === undefined ? { text } : { problem };
}

function readArguments(value: PythonValue | undefined): PythonDict | Problem {
  if (value === undefined) return { problem: "This field is required." };
  if (value === null) return { problem: "This field may not be null." };
  if (!isDict(value)) return { problem: `Expected a dictionary of items but got type "${typeName(value)}".` };
  return value;
}

// Python's `strip`: not the byte order mark that JavaScript's `trim` takes too, but some controls that it does not.
function strip(text: string): string {
  const blank = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
  return text.replace(new RegExp(`^${blank}+`), "").replace(new RegExp(`${blank}+$`), "");
}
