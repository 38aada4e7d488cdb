import { isDict, isNumber, numberText, type PythonValue } from "./python-value.ts";

const jsonEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\f": "\\f",
  "\b": "\\b",
};

/** `json.dumps(value)`: separators with a blank, everything beyond printable ASCII escaped. */
export function pythonJson(value: PythonValue): string {
  if (value === null) return "null";
  if (typeof value === "boolean") return String(value);
  if (typeof value === "string") return jsonString(value);
  if (isDict(value)) return `{${value.dict.map(([name, member]) => `${jsonString(name)}: ${pythonJson(member)}`).join(", ")}}`;
  if (isNumber(value)) return numberText(value);
  return `[${value.map(pythonJson).join(", ")}]`;
}

// Without the flag `u`: what lies beyond the basic plane is escaped as two halves, and so are halves that stand alone.
function jsonString(text: string): string {
  return `"${text.replace(/["\\]|[^ -~]/g, (char) => jsonEscapes[char] ?? `\\u${hex(char.charCodeAt(0), 4)}`)}"`;
}

/** `repr(value)`. */
export function pythonRepr(value: PythonValue): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return reprOfText(value);
  if (isDict(value)) return `{${value.dict.map(([name, member]) => `${reprOfText(name)}: ${pythonRepr(member)}`).join(", ")}}`;
  if (isNumber(value)) return numberText(value);
  return `[${value.map(pythonRepr).join(", ")}]`;
}

const reprEscapes: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
/** What `str.isprintable` says no to: controls, formats, surrogates, private and unassigned ones, and separators but for the blank. */
const unprintable = /[\p{C}\p{Z}\\]/gu;

function reprOfText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(unprintable, (char) => (char === " " ? char : (reprEscapes[char] ?? escapeOf(char.codePointAt(0) ?? 0))));
  return `${quote}${quote === "'" ? escaped.replaceAll("'", "\\'") : escaped}${quote}`;
}

function escapeOf(code: number): string {
  if (code <= 0xff) return `\\x${hex(code, 2)}`;
  return code <= 0xffff ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}
