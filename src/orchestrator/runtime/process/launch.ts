import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { closeSync, openSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Duplex, Readable } from "node:stream";
import { Failure } from "#contract/failure.ts";
import { commandParked } from "./command-parked.ts";
import { descriptors } from "./launch-command.ts";
import { identify, type ProcessId, signalProcess } from "./process-table.ts";
import { readProgramOutput } from "./program-output.ts";
import { rawOutput } from "./raw-output.ts";
import { withPipes } from "./with-pipes.ts";

/** A program that stands at its gate: nothing of it has run yet. */
export interface Launched {
  /** What was started: bubblewrap, or the program itself without a sandbox. */
  readonly leader: ProcessId;
  /** The first process of the sandbox; the leader without one. */
  readonly init: ProcessId;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** Resolves when all output was handed on. */
  readonly output: Promise<void>;
  /** Takes no more output, whoever may still hold the other side. */
  dropOutput(): void;
  /** Lets the program run. */
  open(): void;
  /** Ends the launcher, whose sandbox ends with it. */
  kill(): void;
}

export interface LaunchOptions {
  readonly argv: readonly string[];
  /** What bubblewrap reads from descriptors; absent without a sandbox. */
  readonly sandbox?: { readonly arguments: readonly string[]; readonly seccompFile: string | null };
  /** Where a file may lie for a moment; nobody else can read it. */
  readonly scratchFolder: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly workFolder?: string;
  /** Becomes the command, instead of a new process. */
  readonly parked?: ChildProcess;
  /** Called with the number of the process as soon as there is one; its preparations go on meanwhile. */
  readonly onSpawned?: (pid: number) => void;
  readonly onOutput: (stream: "stdout" | "stderr", text: string) => void;
  /** Takes the program's output as bytes instead: called with each pipe when the gate opens, it resolves when the pipe was read to its end. */
  readonly takeOutput?: (stream: "stdout" | "stderr", pipe: Readable) => Promise<void>;
}

export const readyTimeoutMs = 20_000;

/** Starts a command whose program waits at the gate, and resolves when it stands there. */
export async function launch(options: LaunchOptions): Promise<Launched> {
  const child = options.parked ?? newChild(options);
  if (options.parked !== undefined) commandParked(child, { argv: options.argv, arguments: options.sandbox?.arguments ?? [] });
  if (child.pid !== undefined) options.onSpawned?.(child.pid);
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once("exit", (code, signal) => resolve({ code, signal })),
  );
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  // Bubblewrap's own complaints come before the gate opens; they are not the program's output.
  const complaint = { text: "", isOpen: false };
  const forward = (stream: "stdout" | "stderr") => (text: string) => {
    if (complaint.isOpen) options.onOutput(stream, text);
    else complaint.text = (complaint.text + text).slice(0, 2000);
  };
  const raw =
    options.takeOutput === undefined ? null : rawOutput({ stdout: pipeOf(child, 1), stderr: pipeOf(child, 2) }, { complaint, take: options.takeOutput });
  const output =
    raw?.closed ??
    Promise.all([readProgramOutput(pipeOf(child, 1), forward("stdout")), readProgramOutput(pipeOf(child, 2), forward("stderr"))]).then(() => undefined);
  const gate = pipeOf(child, descriptors.gate);
  const ready = options.sandbox === undefined ? readLine(gate).then(() => child.pid) : Promise.all([readInit(child), readLine(gate)]).then(([pid]) => pid);
  try {
    const initPid = await Promise.race([ready, failed, ended.then(() => output).then(() => null), timeout(readyTimeoutMs)]);
    const [leader, init] = [identify(child.pid ?? 0), identify(initPid ?? 0)];
    if (leader === null || init === null) throw new Error(`the sandbox could not be made: ${complaint.text.trim() || "it ended"}`);
    return {
      leader,
      init,
      ended,
      output,
      dropOutput: () => {
        for (const descriptor of [1, 2]) pipeOf(child, descriptor).destroy();
      },
      open: () => {
        complaint.isOpen = true;
        raw?.open();
        gate.end("go\n");
      },
      kill: () => void child.kill("SIGKILL"),
    };
  } catch (error) {
    child.kill("SIGKILL");
    throw isExhausted(error) ? new Failure("machine_full", {}, { cause: error }) : error;
  }
}

/** Ends what stands at its gate, because it may not go on. */
export async function abandon(launched: Launched): Promise<void> {
  signalProcess(launched.init, "SIGKILL");
  launched.kill();
  await launched.ended;
}

function newChild(options: LaunchOptions): ChildProcess {
  try {
    return withPipes(spawnAtGate(options));
  } catch (error) {
    throw isExhausted(error) ? new Failure("machine_full", {}, { cause: error }) : error;
  }
}

function spawnAtGate(options: LaunchOptions): ChildProcess {
  const [file = "", ...rest] = options.argv;
  const { sandbox } = options;
  const files: number[] = [];
  try {
    if (sandbox !== undefined) files.push(openArguments(sandbox.arguments, options.scratchFolder));
    if (sandbox !== undefined && sandbox.seccompFile !== null) files.push(openSync(sandbox.seccompFile, "r"));
    const [argumentsFile, ...others] = files;
    return spawn(file, rest, {
      // Bubblewrap is the first process inside, and a program can read the environment that it was started with.
      env: options.environment ?? {},
      cwd: options.workFolder ?? "/",
      // Without a sandbox a process group of its own is what can be ended.
      detached: sandbox === undefined,
      stdio: ["ignore", "pipe", "pipe", "pipe", ...(argumentsFile === undefined ? [] : [argumentsFile, "pipe" as const, ...others])],
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

function pipeOf(child: ChildProcess, descriptor: number): Duplex {
  const pipe = child.stdio[descriptor];
  if (pipe === null || pipe === undefined) throw new Error(`descriptor ${descriptor} is no pipe`);
  pipe.on("error", () => pipe.destroy());
  // Node types what it made of "pipe" as readable or writable by its number; all of them are sockets.
  return pipe as Duplex;
}

function readLine(pipe: Readable): Promise<string> {
  return readUntil(pipe, (text) => (text.includes("\n") ? text : null));
}

function readInit(child: ChildProcess): Promise<number> {
  return readUntil(pipeOf(child, descriptors.info), initIn);
}

/** The number of a sandbox's first process, by what bubblewrap has told so far. */
export function initIn(text: string): number | null {
  const pid = /"child-pid": (\d+)\b[^\d]/.exec(text)?.[1];
  return pid === undefined ? null : Number(pid);
}

/** Never resolves when the pipe ends before; the end of the child says so. */
export function readUntil<T>(pipe: Readable, find: (text: string) => T | null): Promise<T> {
  let text = "";
  return new Promise((resolve) => {
    pipe.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      const found = find(text);
      if (found !== null) resolve(found);
    });
  });
}

export function timeout(ms: number): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`the sandbox did not stand within ${ms / 1000} s`)), ms).unref();
  });
}

const exhausted = /EAGAIN|ENOMEM|EMFILE|ENFILE|Resource temporarily unavailable|Cannot allocate memory|No space left on device|Cannot fork/;
export function isExhausted(error: unknown): boolean {
  return error instanceof Error && exhausted.test(error.message);
}
