import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmodSync, closeSync, constants, fchownSync, openSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Duplex, type Readable, type Writable } from "node:stream";
import { Failure } from "#contract/failure.ts";
import type { TerminalSize } from "#contract/terminal.ts";
import { initIn, isExhausted, type Launched, readUntil, readyTimeoutMs, timeout } from "./launch.ts";
import { descriptors } from "./launch-command.ts";
import { identify } from "./process-table.ts";
import type { SiteOwner } from "./site-owner.ts";
import type { KeptTerminal, TerminalKeeper } from "./terminal-keeper.ts";
import { withPipes } from "./with-pipes.ts";

/** A program that stands at its gate with somebody in front of it. */
export interface EnteredLaunch extends Omit<Launched, "output" | "dropOutput"> {
  readonly input: Writable;
  readonly output: Readable;
  readonly errors: Readable | null;
  /** Null on pipes. */
  readonly terminal: KeptTerminal | null;
}

export interface EnteredLaunchOptions {
  readonly argv: readonly string[];
  /** What bubblewrap reads from descriptors; absent without a sandbox. */
  readonly sandbox?: { readonly arguments: readonly string[]; readonly seccompFile: string | null; readonly scratchFolder: string };
  readonly environment?: Readonly<Record<string, string>>;
  /** Null for pipes. */
  readonly size: TerminalSize | null;
  readonly keeper: TerminalKeeper;
  /** Whose the terminal is: programs open `/dev/stderr` by its path, which is theirs to open then. */
  readonly owner: SiteOwner | null;
  readonly onSpawned: (pid: number) => void;
}

/**
 * Starts a command whose program waits at the gate, on a terminal or on pipes. Unlike `launch` it has an input; unlike runs it is never
 * parked: somebody waits for it who types slower than it starts.
 */
export async function launchEntered(options: EnteredLaunchOptions): Promise<EnteredLaunch> {
  const terminal = options.size === null ? null : await options.keeper.open(options.size);
  const end = terminal === null ? null : openEnd(terminal, options.owner);
  let child: ChildProcess | null = null;
  try {
    child = withPipes(spawnEntered(options, end));
    if (child.pid !== undefined) options.onSpawned(child.pid);
    return await standing(child, terminal, options.sandbox !== undefined);
  } catch (error) {
    child?.kill("SIGKILL");
    terminal?.link.destroy();
    throw isExhausted(error) ? new Failure("machine_full", {}, { cause: error }) : error;
  } finally {
    if (end !== null) closeSync(end);
    terminal?.given();
  }
}

/** The program's end. Opened anew: the one that was made with the terminal does not wait for input, as programs expect it to. */
function openEnd(terminal: KeptTerminal, owner: SiteOwner | null): number {
  try {
    const end = openSync(terminal.path, constants.O_RDWR | constants.O_NOCTTY);
    if (owner !== null) fchownSync(end, owner.uid, owner.gid);
    chmodSync(terminal.path, 0o600);
    return end;
  } catch (error) {
    terminal.link.destroy();
    terminal.given();
    throw error;
  }
}

function spawnEntered(options: EnteredLaunchOptions, end: number | null): ChildProcess {
  const [file = "", ...rest] = options.argv;
  const { sandbox } = options;
  const files: number[] = [];
  try {
    if (sandbox !== undefined) files.push(openArguments(sandbox.arguments, sandbox.scratchFolder));
    if (sandbox !== undefined && sandbox.seccompFile !== null) files.push(openSync(sandbox.seccompFile, "r"));
    const [argumentsFile, ...others] = files;
    const own = end === null ? (["pipe", "pipe", "pipe"] as const) : ([end, end, end] as const);
    return spawn(file, rest, {
      env: options.environment ?? {},
      cwd: "/",
      // Without a sandbox a process group of its own is what can be ended; on a terminal `setsid` makes it.
      detached: sandbox === undefined && end === null,
      stdio: [...own, "pipe", ...(argumentsFile === undefined ? [] : [argumentsFile, "pipe" as const, ...others])],
    });
  } finally {
    for (const descriptor of files) closeSync(descriptor);
  }
}

/** A file that is gone from its folder before anybody could list it. */
function openArguments(list: readonly string[], folder: string): number {
  const path = join(folder, `backlot-${randomUUID()}`);
  writeFileSync(path, list.map((argument) => `${argument}\0`).join(""), { mode: 0o600, flag: "wx" });
  try {
    return openSync(path, "r");
  } finally {
    unlinkSync(path);
  }
}

async function standing(child: ChildProcess, terminal: KeptTerminal | null, isSandboxed: boolean): Promise<EnteredLaunch> {
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once("exit", (code, signal) => resolve({ code, signal })),
  );
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  const streams = streamsOf(child, terminal);
  // Bubblewrap's own complaints come before the gate opens; they are not the program's output.
  const complaining = streams.errors ?? streams.output;
  let complaint = "";
  const complain = (chunk: Buffer): void => {
    complaint = (complaint + chunk.toString("latin1")).slice(0, 2000);
  };
  complaining.on("data", complain);
  const gate = pipeOf(child, descriptors.gate);
  const opens = readUntil(gate, (text) => (text.includes("\n") ? text : null));
  const init = isSandboxed ? readUntil(pipeOf(child, descriptors.info), initIn) : Promise.resolve(child.pid ?? 0);
  const ready = Promise.all([init, opens]).then(([pid]) => pid);
  const closed = new Promise((resolve) => child.once("close", resolve));
  const pid = await Promise.race([ready, failed, closed.then(() => null), timeout(readyTimeoutMs)]);
  const [leader, first] = [identify(child.pid ?? 0), identify(pid ?? 0)];
  if (leader === null || first === null) throw new Error(`the sandbox could not be made: ${complaint.trim() || "it ended"}`);
  return {
    ...streams,
    terminal,
    leader,
    init: first,
    ended,
    open: () => {
      complaining.off("data", complain).pause();
      gate.end("go\n");
    },
    kill: () => void child.kill("SIGKILL"),
  };
}

function streamsOf(child: ChildProcess, terminal: KeptTerminal | null): Pick<EnteredLaunch, "input" | "output" | "errors"> {
  if (terminal !== null) return { input: terminal.link, output: terminal.link, errors: null };
  return { input: pipeOf(child, 0), output: pipeOf(child, 1), errors: pipeOf(child, 2) };
}

function pipeOf(child: ChildProcess, descriptor: number): Duplex {
  const pipe = child.stdio[descriptor];
  if (!(pipe instanceof Duplex)) throw new Error(`descriptor ${descriptor} is no pipe`);
  pipe.on("error", () => pipe.destroy());
  return pipe;
}
