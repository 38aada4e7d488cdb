import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "#kit/log.ts";
import { identify, isAlive, killGroup, type ProcessId, processId, signalProcess } from "#kit/process-id.ts";
import { backOffMs } from "#kit/retry.ts";

/** A server program beside the router, which it starts, watches and starts again. */
export interface ProgramPlan {
  /** The name of its processes. */
  readonly name: string;
  /** Names its files among others of the name: the name, or `name-2`. */
  readonly key: string;
  readonly file: string;
  readonly args: readonly string[];
  /** Its messages are kept here. */
  readonly folder: string;
  /** Its number is kept here, where the supervisor looks for what was left over when all else was killed. */
  readonly recordFolder: string;
  readonly log: Log;
  /** Makes ready what it needs, right before each start of it. */
  readonly prepare: () => Promise<void>;
  /** Resolves when it answers; called until then. */
  readonly isReady: () => Promise<boolean>;
  /** Told of every start, also of one that was found running. */
  readonly onReady: () => void;
  readonly onGone: () => void;
  /** Asks it to finish what is under way. */
  readonly endSignal: NodeJS.Signals;
}

/** Everything that these programs get to know of this one's environment. Not every user's path leads to servers. */
export const programEnvironment = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };
/** Quick at first, since visitors wait; slow when it keeps failing. */
const restart = { firstMs: 50, mostMs: 5000 };
const watchMs = 50;
const recordAgainMs = 1000;
const readyWithinMs = 20_000;
/** One that ran this long had started well. */
const steadyMs = 10_000;

/** A program that outlives a router that was killed, is found again by the next one, and is started again whenever it ends. */
export class KeptProgram {
  readonly #plan: ProgramPlan;
  readonly #stopping = new AbortController();
  #running: ProcessId | null = null;
  #keeping: Promise<void> = Promise.resolve();
  /** When its record is written again that could not be. */
  #recordAgainAt = Number.POSITIVE_INFINITY;
  readonly #endWithParent = (): void => {
    // Without the supervisor there is nobody left to work for; a router that has merely failed is started again and finds it.
    if (process.connected === false && this.#running !== null) killGroup(this.#running.pid, this.#plan.name);
  };

  constructor(plan: ProgramPlan) {
    this.#plan = plan;
  }

  get pid(): number | undefined {
    return this.#running?.pid;
  }

  /** Resolves when the program is ready: found with `mayAdopt`, or started. Rejects when its first start fails. */
  async start(mayAdopt: boolean): Promise<void> {
    const left = await this.#leftOver();
    if (left !== null && mayAdopt && (await this.#becomesReady(left))) {
      this.#plan.log.info({ program: this.#plan.name, programPid: left.pid }, "program found running");
      this.#running = left;
      this.#plan.onReady();
    } else {
      if (left !== null) await this.#end(left, "SIGTERM", 1000);
      await this.#launch();
    }
    // A process that nobody started as a child has no supervisor to lose.
    if (process.connected === true) process.on("exit", this.#endWithParent);
    this.#keeping = this.#keep();
  }

  /** Asks it to end, and ends it after `withinMs`. */
  async stop(withinMs: number): Promise<void> {
    this.#stopping.abort();
    process.off("exit", this.#endWithParent);
    const running = this.#running;
    if (running !== null) await this.#end(running, this.#plan.endSignal, withinMs);
    await this.#keeping;
    await rm(this.#recordFile, { force: true });
  }

  get #recordFile(): string {
    return path.join(this.#plan.recordFolder, `${this.#plan.key}.json`);
  }

  async #keep(): Promise<void> {
    const { log, name, onGone } = this.#plan;
    let failures = 0;
    let startedAt = performance.now();
    while (!this.#stopping.signal.aborted) {
      const running = this.#running;
      if (running !== null && isAlive(running)) {
        if (performance.now() >= this.#recordAgainAt) await this.#record(running);
        await delay(watchMs);
        continue;
      }
      if (running !== null) {
        this.#running = null;
        onGone();
        log.error({ program: name, programPid: running.pid }, "program ended");
        killGroup(running.pid, name);
        failures = performance.now() - startedAt >= steadyMs ? 0 : failures + 1;
        if (failures > 1) await delay(backOffMs(failures, restart), undefined, { signal: this.#stopping.signal }).catch(() => undefined);
        if (this.#stopping.signal.aborted) return;
      }
      startedAt = performance.now();
      try {
        await this.#launch();
      } catch (err) {
        if (this.#stopping.signal.aborted) return;
        failures += 1;
        log.error({ err, program: name }, "program did not start");
        await delay(backOffMs(failures, restart), undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      }
    }
  }

  async #launch(): Promise<void> {
    const { name, key, file, args, folder, log, prepare, onReady } = this.#plan;
    await prepare();
    const messages = openSync(path.join(folder, `${key}.out`), "w", 0o600);
    // A session of its own: neither Ctrl-C nor the end of this process reaches it.
    const child = spawn(file, [...args], {
      stdio: ["ignore", messages, messages],
      detached: true,
      env: programEnvironment,
    });
    closeSync(messages);
    const failed = once(child, "error").then(([error]) => error as Error);
    if (child.pid === undefined) throw new Error(`${file} cannot be run`, { cause: await failed });
    failed.catch(() => undefined);
    child.unref();
    const started = identify(child.pid);
    const isReady = started !== null && (await this.#becomesReady(started));
    if (!isReady) {
      if (started !== null) await this.#end(started, "SIGKILL", 1000);
      throw new Error(`${name} did not come up: ${(await this.#messages()).slice(-2000)}`);
    }
    this.#running = started;
    log.info({ program: name, programPid: started.pid }, "program started");
    // Visitors come to it from now on, whatever becomes of its record.
    onReady();
    await this.#record(started);
    if (this.#stopping.signal.aborted) await this.#end(started, "SIGKILL", 1000);
  }

  /** Keeps its number; where that cannot be written, on a full disk, it is tried again while the program runs. */
  async #record(program: ProcessId): Promise<void> {
    try {
      // Whole or not at all: of half a record the next router would not find this program, which has the port.
      await writeFile(`${this.#recordFile}.new`, JSON.stringify(program), { mode: 0o600 });
      await rename(`${this.#recordFile}.new`, this.#recordFile);
      this.#recordAgainAt = Number.POSITIVE_INFINITY;
    } catch (err) {
      this.#plan.log.error({ err, program: this.#plan.name, programPid: program.pid }, "program could not be recorded");
      this.#recordAgainAt = performance.now() + recordAgainMs;
    }
  }

  async #becomesReady(program: ProcessId): Promise<boolean> {
    const deadline = performance.now() + readyWithinMs;
    while (performance.now() < deadline && isAlive(program)) {
      if (await this.#plan.isReady()) return isAlive(program);
      await delay(10);
    }
    return false;
  }

  async #leftOver(): Promise<ProcessId | null> {
    const left = processId.safeParse(await readJson(this.#recordFile)).data;
    if (left === undefined) return null;
    if (isAlive(left)) return left;
    killGroup(left.pid, this.#plan.name);
    return null;
  }

  async #end(program: ProcessId, how: NodeJS.Signals, withinMs: number): Promise<void> {
    signalProcess(program, how);
    const deadline = performance.now() + withinMs;
    while (isAlive(program) && performance.now() < deadline) await delay(10);
    killGroup(program.pid, this.#plan.name);
    while (isAlive(program)) await delay(5);
  }

  async #messages(): Promise<string> {
    return readFile(path.join(this.#plan.folder, `${this.#plan.key}.out`), "utf8").catch(() => "");
  }
}

/** Undefined where there is none, or none that was written to its end. */
async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch {
    return undefined;
  }
}
