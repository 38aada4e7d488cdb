import { boundedPattern, maxPatternValue } from "./bounded-pattern.ts";
import type { ScriptManual, ScriptParameter } from "./task.ts";

/** What is given for one field: a number may come as text, as forms send it; of several values each is a line, or an item. */
export type ParameterValue = string | number | boolean | readonly string[];

/** What is wrong with one field, in plain words; `name` is null when it is about the arguments as a whole. */
export interface ParameterProblem {
  readonly name: string | null;
  readonly problem: string;
}

/** A filled form: what the script gets, or everything that is wrong. */
export type FilledForm =
  | { readonly kind: "arguments"; readonly arguments: readonly string[] }
  | { readonly kind: "problems"; readonly problems: readonly ParameterProblem[] };

/** The most arguments that a script is given. */
const maxArguments = 1000;
/** Longest single value, in characters. */
const maxValue = 32_768;

/**
 * Makes a script's arguments of its form: the parameters in the manual's order, then `more`. An empty text counts as not given, and a
 * parameter that is not given has its default. The server and every form judge with this one function.
 */
export function fillForm(
  manual: Pick<ScriptManual, "parameters" | "allowsMoreArguments">,
  given: Readonly<Record<string, ParameterValue>>,
  more: readonly string[] = [],
): FilledForm {
  const parameters = manual.parameters ?? [];
  const problems: ParameterProblem[] = unknownNames(parameters, given);
  const filled: string[] = [];
  for (const parameter of parameters) {
    const outcome = fillParameter(parameter, Object.hasOwn(given, parameter.name) ? given[parameter.name] : undefined);
    if (typeof outcome === "string") problems.push({ name: parameter.name, problem: outcome });
    else filled.push(...outcome);
  }
  // A script that has a form is asked by it alone, unless it says otherwise; one without takes whatever comes.
  const allowsMore = manual.allowsMoreArguments ?? manual.parameters === undefined;
  if (!allowsMore && more.length > 0) problems.push({ name: null, problem: "takes no arguments beyond its parameters" });
  filled.push(...more);
  if (filled.length > maxArguments) problems.push({ name: null, problem: `would get ${filled.length} arguments, and ${maxArguments} is the most` });
  return problems.length > 0 ? { kind: "problems", problems } : { kind: "arguments", arguments: filled };
}

/** What is wrong with one field as it stands, in plain words; null when it is right. For forms, while they are filled in. */
export function problemOf(parameter: ScriptParameter, given: ParameterValue | undefined): string | null {
  const outcome = fillParameter(parameter, given);
  return typeof outcome === "string" ? outcome : null;
}

/** What is wrong with a form itself, before anybody has filled it in, in words for its author; null when it can be used. */
export function formProblem({ parameters = [] }: Pick<ScriptManual, "parameters">): string | null {
  for (const [at, parameter] of parameters.entries()) {
    const { name, type, choices, pattern, min, max } = parameter;
    const said = (problem: string): string => `the parameter ${name} ${problem}`;
    if (parameters.findIndex((other) => other.name === name) < at) return said("stands there twice");
    if (type === "choice" && choices === undefined) return said("is a choice without choices");
    if (min !== undefined && max !== undefined && min > max) return said(`takes a number of at least ${min} and at most ${max}, which none is`);
    const compiled = pattern === undefined ? null : boundedPattern(pattern);
    if (compiled?.kind === "unusable") return said(`has a pattern that cannot be used (${compiled.reason})`);
    const aboutDefault = parameter.default === undefined || type === "switch" ? null : problemOf(parameter, parameter.default);
    if (aboutDefault !== null) return said(`has a default that it does not take: ${aboutDefault}`);
  }
  return null;
}

/** Everything that is wrong, in one sentence for people. */
export function problemsText(problems: readonly ParameterProblem[]): string {
  return `${problems.map(({ name, problem }) => `${name ?? "the script"} ${problem}`).join("; ")}.`;
}

function unknownNames(parameters: readonly ScriptParameter[], given: Readonly<Record<string, ParameterValue>>): ParameterProblem[] {
  const names = parameters.map(({ name }) => name);
  const known = names.length === 0 ? "the script has no parameters" : `there are: ${names.join(", ")}`;
  return Object.keys(given)
    .filter((name) => !names.includes(name))
    .map((name) => ({ name, problem: `is no parameter of the script (${known})` }));
}

/** The arguments of one field, or what is wrong with it. */
function fillParameter(parameter: ScriptParameter, given: ParameterValue | undefined): readonly string[] | string {
  const value = isGiven(given) ? given : parameter.default;
  if (parameter.type === "switch") return fillSwitch(parameter, value);
  if (!isGiven(value)) return parameter.isRequired ? "is required" : [];
  const texts = textsOf(parameter, value);
  if (typeof texts === "string") return texts;
  if (texts.length === 0 && parameter.isRequired) return "is required";
  for (const text of texts) {
    const problem = judge(parameter, text);
    if (problem !== null) return parameter.isMultiple && texts.length > 1 ? `${problem}: ${shown(text)}` : problem;
  }
  return texts.flatMap((text) => withFlag(parameter.flag, text));
}

function isGiven(value: ParameterValue | undefined): value is ParameterValue {
  return value !== undefined && value !== "" && !(Array.isArray(value) && value.length === 0);
}

function fillSwitch(parameter: ScriptParameter, value: ParameterValue | undefined): readonly string[] | string {
  const isOn = value === undefined || value === "false" ? false : value === "true" ? true : value;
  if (typeof isOn !== "boolean") return "is a switch: true or false";
  if (isOn) return [parameter.flag ?? `--${parameter.name}`];
  return parameter.isRequired ? "has to be switched on" : [];
}

function textsOf(parameter: ScriptParameter, value: ParameterValue): readonly string[] | string {
  if (typeof value === "boolean") return parameter.type === "number" ? "takes a number" : "takes a text, not true or false";
  if (typeof value === "number") return [String(value)];
  if (typeof value === "string") return parameter.isMultiple ? value.split(/\r\n|\n|\r/).filter((line) => line !== "") : [value];
  return parameter.isMultiple ? value.filter((each) => each !== "") : "takes one value only";
}

function withFlag(flag: string | undefined, text: string): readonly string[] {
  if (flag === undefined) return [text];
  return flag.endsWith("=") ? [`${flag}${text}`] : [flag, text];
}

function judge(parameter: ScriptParameter, text: string): string | null {
  if (text.length > maxValue) return `has more than ${maxValue} characters`;
  if (text.includes("\0")) return "holds a NUL character, which no argument can";
  switch (parameter.type) {
    case "number":
      return judgeNumber(parameter, text) ?? judgePattern(parameter.pattern, text);
    case "choice":
      return judgeChoice(parameter.choices, text) ?? judgePattern(parameter.pattern, text);
    default:
      return judgePattern(parameter.pattern, text);
  }
}

// Not what Number() takes beyond that: "0x10", "", " 7 " and "Infinity" would reach the script as they stand.
const numberForm = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/;

function judgeNumber({ min, max }: ScriptParameter, text: string): string | null {
  const value = Number(text);
  if (text.length > 100 || !numberForm.test(text) || !Number.isFinite(value)) return "takes a number";
  if (min !== undefined && max !== undefined && (value < min || value > max)) return `takes a number from ${min} to ${max}`;
  if (min !== undefined && value < min) return `takes a number of at least ${min}`;
  if (max !== undefined && value > max) return `takes a number of at most ${max}`;
  return null;
}

function judgeChoice(choices: readonly string[] | undefined, text: string): string | null {
  if (choices === undefined) return "cannot be chosen: the script's manual lists no choices";
  return choices.includes(text) ? null : `takes one of: ${choices.join(", ")}`;
}

function judgePattern(pattern: string | undefined, text: string): string | null {
  if (pattern === undefined) return null;
  if (text.length > maxPatternValue) return `has more than ${maxPatternValue} characters`;
  const compiled = boundedPattern(pattern);
  if (compiled.kind === "unusable") return `cannot be checked: the pattern in the script's manual is not usable (${compiled.reason})`;
  const matches = compiled.matches(text);
  if (matches === "too-complicated") return "cannot be checked: the pattern in the script's manual is too complicated for this value";
  return matches ? null : `does not have the form that is asked for: ${pattern}`;
}

function shown(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
