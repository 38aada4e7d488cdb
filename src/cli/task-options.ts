import type { TaskBody } from "#contract/api/tasks.ts";
import { usageError } from "./exit-code.ts";

/** What `task run` and `schedule add` take to say what runs. */
export interface TaskOptions {
  readonly site?: string;
  readonly command?: boolean;
  readonly param?: readonly string[];
  readonly env?: readonly string[];
  readonly priority?: string;
  readonly timeout?: string;
  readonly retries?: string;
}

/** Makes a task of what was typed. */
export function taskBodyOf(what: string, args: readonly string[], options: TaskOptions): TaskBody {
  const priority = numberOf(options.priority, { name: "--priority", isWhole: true });
  const timeoutSeconds = numberOf(options.timeout, { name: "--timeout" });
  const retries = numberOf(options.retries, { name: "--retries", isWhole: true });
  return {
    ...(options.command ? { command: what } : { script: what }),
    arguments: [...args],
    ...(options.param === undefined ? {} : { parameters: parametersOf(options.param) }),
    ...(options.site === undefined ? {} : { site: options.site }),
    ...(priority === undefined ? {} : { priority }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(retries === undefined ? {} : { retry: { retries } }),
    ...(options.env === undefined ? {} : { environment: Object.fromEntries(options.env.map((pair) => pairOf(pair, "--env"))) }),
  };
}

/** A parameter that is given several times has several values. */
function parametersOf(pairs: readonly string[]): Record<string, string | string[]> {
  const grouped = Map.groupBy(
    pairs.map((pair) => pairOf(pair, "--param")),
    ([name]) => name,
  );
  return Object.fromEntries([...grouped].map(([name, given]) => [name, given.length === 1 ? (given[0]?.[1] ?? "") : given.map(([, value]) => value)]));
}

function pairOf(pair: string, option: string): readonly [name: string, value: string] {
  const at = pair.indexOf("=");
  if (at < 1) throw usageError(`${option} takes NAME=VALUE, not ${pair}.`);
  return [pair.slice(0, at), pair.slice(at + 1)];
}

/** A number that was typed; undefined when it was not. */
export function numberOf(text: string | undefined, option: { readonly name: string; readonly isWhole?: boolean }): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || (option.isWhole && !Number.isInteger(value))) {
    throw usageError(`${option.name} takes a ${option.isWhole ? "whole " : ""}number, not ${text}.`);
  }
  return value;
}
