import type { InstanceExit } from "#orchestrator/runtime/site-runtime.ts";
import type { Crash, EndCause } from "./back-off.ts";

/** Why a program ended, from what the runtime saw. */
export function causeOf(exit: InstanceExit, memoryBytes: number): EndCause {
  if (exit.isOutOfMemory) return { kind: "memory", memoryBytes };
  if (exit.signal !== null) return { kind: "signal", signal: exit.signal };
  const code = exit.code ?? 1;
  // A shell reports the signal that ended its last command as 128 + its number.
  const signal = signalNames.get(code - 128);
  return signal === undefined ? { kind: "exit", code } : { kind: "signal", signal };
}

const signalNames: ReadonlyMap<number, string> = new Map([
  [4, "SIGILL"],
  [6, "SIGABRT"],
  [7, "SIGBUS"],
  [8, "SIGFPE"],
  [9, "SIGKILL"],
  [11, "SIGSEGV"],
  [13, "SIGPIPE"],
  [15, "SIGTERM"],
]);

/** The crashes in plain words with what the program printed last, for those who may read its log: `exited 1 three times in 10 s; last line: …`. */
export function reasonOf(crashes: readonly Crash[]): string {
  const lastLine = crashes.at(-1)?.lastLine ?? null;
  return `${endingOf(crashes)}${lastLine === null ? "" : `; last line: ${lastLine}`}`;
}

/** The crashes in plain words, without anything that the program printed: anybody may read it. */
export function endingOf(crashes: readonly Crash[]): string {
  const last = crashes.at(-1);
  if (last === undefined) return "it ended";
  const same = sameAtTheEnd(crashes, last);
  const first = same[0] ?? last;
  const times = same.length < 2 ? "" : ` ${countWord(same.length)} in ${span(last.at - first.at + first.ranMs)}`;
  return phraseOf(last.cause, times);
}

function phraseOf(cause: EndCause, times: string): string {
  switch (cause.kind) {
    case "exit":
      return cause.code === 0 ? `run.sh ended${times}: it must keep running` : `exited ${cause.code}${times}`;
    case "signal":
      return `was ended by ${cause.signal}${times}`;
    case "memory":
      return `used more than its ${megabytes(cause.memoryBytes)} of memory${times}`;
    case "silent":
      return `did not listen on $HOST:$PORT within ${cause.seconds} s${times}`;
  }
}

/** The run of crashes with the same cause that the last one ends. */
function sameAtTheEnd(crashes: readonly Crash[], last: Crash): readonly Crash[] {
  const key = JSON.stringify(last.cause);
  const different = crashes.findLastIndex((crash) => JSON.stringify(crash.cause) !== key);
  return crashes.slice(different + 1);
}

const words = ["", "once", "twice", "three times", "four times", "five times", "six times", "seven times", "eight times", "nine times", "ten times"];
function countWord(count: number): string {
  return words[count] ?? `${count} times`;
}

function span(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1_000_000)} MB`;
}

/** Longest part of a line that stands in a reason. */
const shownLength = 200;
const errorLine = /^(?:Uncaught )?[\w.$]*(?:Error|Exception)\b/;
// Node ends its stack trace with its version, which explains nothing.
const footer = /^(?:Node\.js v\d|\s+at |\s*$)/;

/** The line that explains most: the last one that names an error, else the last that says anything; null without one. */
export function tellingLine(lines: readonly string[]): string | null {
  const line = lines.findLast((candidate) => errorLine.test(candidate)) ?? lines.findLast((candidate) => !footer.test(candidate));
  if (line === undefined) return null;
  const shown = line.trim();
  return shown.length <= shownLength ? shown : `${shown.slice(0, shownLength)}…`;
}

/** Why nobody answers at the site's address, and what to do about it. */
export function notListeningReason(seconds: number, found: readonly string[]): string {
  return `nothing listens on $PORT after ${seconds} s: run.sh must listen on $HOST:$PORT${foundText(found)}`;
}

/** What listens instead, in brackets; empty when nothing does. */
export function foundText(found: readonly string[]): string {
  return found.length === 0 ? "" : ` (it listens on ${found.slice(0, 3).join(" and ")})`;
}

/** A program that ran and never listened, for so long. */
export function silenceOf(bootTimeoutMs: number): EndCause {
  return { kind: "silent", seconds: Math.round(bootTimeoutMs / 100) / 10 };
}
