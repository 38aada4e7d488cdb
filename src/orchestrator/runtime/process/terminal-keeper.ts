import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { Failure } from "#contract/failure.ts";
import type { TerminalSize } from "#contract/terminal.ts";
import type { Log } from "#kit/log.ts";
import { identify, type ProcessId } from "./process-table.ts";
import { withPipes } from "./with-pipes.ts";

/** A terminal without a program yet. */
export interface KeptTerminal {
  /** The end for a program, as a path: open it, start the program on it, then call `given`. */
  readonly path: string;
  /** What the program prints and what is typed, as bytes. Ends when no program has it open; destroyed, it hangs up. */
  readonly link: Socket;
  /** A program has it now, so that its end shall be this terminal's end. */
  given(): void;
  resize(size: TerminalSize): void;
}

export interface TerminalKeeperOptions {
  /** A folder of ours that nobody else can write to; its path is short enough for a socket's. */
  readonly folder: () => string;
  readonly log: Log;
  /** Called with the process that holds the terminals, to be ended if we should die; null when it has ended. */
  readonly onProcess: (process: ProcessId | null) => void;
}

interface Running {
  readonly child: ChildProcess;
  readonly server: Server;
  readonly waiting: Map<string, { readonly resolve: (terminal: KeptTerminal) => void; readonly reject: (error: Error) => void }>;
  readonly links: Set<Socket>;
}

interface Greeting {
  readonly id: string;
  readonly path?: string;
  /** Why there is no terminal. */
  readonly refusal?: string;
}

const program = fileURLToPath(new URL("./terminal-keeper-program.mjs", import.meta.url));
const openWithinMs = 20_000;
/** It costs some megabytes, so it goes when nobody has needed it for so long. */
const idleMs = 60_000;
/** Bytes between it and us are not many: its heap need not be large. */
const frugal = ["--max-old-space-size=64", "--max-semi-space-size=1"];

/**
 * Holds the terminals' own ends in a process beside this one. A descriptor of a terminal that this process opened would be inherited by
 * every program it starts, and node-pty's are: a site could read another's terminal.
 */
export class TerminalKeeper {
  readonly #options: TerminalKeeperOptions;
  #running: Promise<Running> | null = null;
  #idle: NodeJS.Timeout | null = null;
  #count = 0;

  constructor(options: TerminalKeeperOptions) {
    this.#options = options;
  }

  async open(size: TerminalSize): Promise<KeptTerminal> {
    try {
      return await this.#open(size);
    } catch (error) {
      // It had ended and we had not been told yet: nothing was started on it, and the next one is new.
      if (!(error instanceof KeeperEnded)) throw error;
      return this.#open(size);
    }
  }

  async #open(size: TerminalSize): Promise<KeptTerminal> {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
    this.#running ??= this.#begin();
    const running = await this.#running;
    this.#count += 1;
    const id = String(this.#count);
    const opened = Promise.withResolvers<KeptTerminal>();
    running.waiting.set(id, opened);
    const timer = setTimeout(() => opened.reject(new Error(`no terminal within ${openWithinMs / 1000} s`)), openWithinMs).unref();
    tell(running, { do: "open", id, ...size });
    try {
      return await opened.promise;
    } finally {
      clearTimeout(timer);
      running.waiting.delete(id);
    }
  }

  async close(): Promise<void> {
    if (this.#idle !== null) clearTimeout(this.#idle);
    const running = await this.#running?.catch(() => null);
    if (running === null || running === undefined) return;
    const ended = running.child.exitCode === null && running.child.signalCode === null ? once(running.child, "exit") : null;
    running.child.kill("SIGKILL");
    await ended;
  }

  /** A beginning that failed is not kept: whoever asks next tries again. */
  #begin(): Promise<Running> {
    const starting = this.#start();
    starting.catch(() => {
      if (this.#running === starting) this.#running = null;
    });
    return starting;
  }

  async #start(): Promise<Running> {
    const folder = this.#options.folder();
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    const path = join(folder, "s");
    rmSync(path, { force: true });
    const running: Omit<Running, "child"> = { server: createServer(), waiting: new Map(), links: new Set() };
    running.server.listen(path);
    await once(running.server, "listening");
    running.server.on("error", (err) => this.#options.log.warn({ err }, "a terminal could not be reached"));
    const child = this.#spawn(running.server, path);
    const all: Running = { ...running, child };
    running.server.on("connection", (link) => this.#greet(all, link));
    child.stdin.on("error", () => undefined);
    let complaint = "";
    child.stderr.on("data", (chunk: Buffer) => {
      complaint = (complaint + chunk.toString()).slice(-2000);
    });
    child.once("close", () => this.#ended(all, complaint));
    this.#options.onProcess(child.pid === undefined ? null : identify(child.pid));
    return all;
  }

  #spawn(server: Server, path: string): ChildProcessByStdio<Writable, null, Readable> {
    try {
      const child = withPipes(spawn(process.execPath, [...frugal, program, path], { env: {}, cwd: "/", stdio: ["pipe", "ignore", "pipe"] }));
      child.on("error", (err) => this.#options.log.error({ err }, "terminals cannot be opened"));
      if (child.pid === undefined) throw new Error("the process that holds terminals could not be started");
      return child;
    } catch (error) {
      server.close();
      throw error;
    }
  }

  /** The first line says which terminal the connection is. */
  #greet(running: Running, link: Socket): void {
    running.links.add(link);
    link.on("error", () => link.destroy()).once("close", () => this.#gone(running, link));
    let text = "";
    const greeted = (chunk: Buffer): void => {
      text += chunk.toString("latin1");
      const end = text.indexOf("\n");
      if (end === -1) return;
      link.off("data", greeted).pause();
      if (end + 1 < text.length) link.unshift(Buffer.from(text.slice(end + 1), "latin1"));
      // Written by our own program just now.
      const { id, path, refusal } = JSON.parse(text.slice(0, end)) as Greeting;
      const asked = running.waiting.get(id);
      if (path === undefined) asked?.reject(new Failure("machine_full", {}, { cause: new Error(refusal) }));
      if (asked === undefined || path === undefined) {
        link.destroy();
        return;
      }
      const resize = (size: TerminalSize): void => tell(running, { do: "resize", id, ...size });
      asked.resolve({ path, link, given: () => tell(running, { do: "given", id }), resize });
    };
    link.on("data", greeted);
  }

  #gone(running: Running, link: Socket): void {
    running.links.delete(link);
    if (running.links.size > 0 || running.waiting.size > 0) return;
    this.#idle ??= setTimeout(() => {
      this.#idle = null;
      if (running.links.size === 0 && running.waiting.size === 0) running.child.kill("SIGKILL");
    }, idleMs).unref();
  }

  #ended(running: Running, complaint: string): void {
    this.#running = null;
    this.#options.onProcess(null);
    running.server.close();
    const error = new KeeperEnded(complaint.trim());
    for (const { reject } of running.waiting.values()) reject(error);
    for (const link of running.links) link.destroy();
  }
}

/** The process that holds the terminals has gone; what it was asked for has not happened. */
class KeeperEnded extends Error {
  constructor(complaint: string) {
    super(`the terminals' process has ended: ${complaint || "without a word"}`);
  }
}

function tell({ child }: Running, order: Readonly<Record<string, unknown>>): void {
  if (child.stdin?.writable) child.stdin.write(`${JSON.stringify(order)}\n`);
}
