import { setTimeout as delay } from "node:timers/promises";
import type { TerminalSize } from "#contract/terminal.ts";
import type { Log } from "#kit/log.ts";
import type { EnteredProgram, EnteredSignal } from "../enter.ts";
import type { InstanceExit } from "../site-runtime.ts";
import { endTree } from "./end-tree.ts";
import { signalProcess } from "./process-table.ts";
import type { ProcessTree } from "./process-tree.ts";
import { exitOf } from "./program-exit.ts";
import type { RunCgroup } from "./run-cgroup.ts";
import type { KeptTerminal } from "./terminal-keeper.ts";
import type { EnteredLaunch } from "./terminal-launch.ts";

export interface EnteredParts {
  readonly launched: Pick<EnteredLaunch, "input" | "output" | "errors" | "ended"> & { readonly terminal: Pick<KeptTerminal, "resize"> | null };
  readonly tree: ProcessTree;
  readonly cgroup: Pick<RunCgroup, "oomKills"> | null;
  /** An interactive shell: it never ends by a signal of its own, but it ends with the number of its last command's. */
  readonly isShell: boolean;
  readonly release: () => Promise<void>;
  readonly log: Log;
}

const hangUpEveryMs = 20;

/** A shell or a command, and everything that it started. */
export class EnteredProcess implements EnteredProgram {
  readonly input: EnteredProgram["input"];
  readonly output: EnteredProgram["output"];
  readonly errors: EnteredProgram["errors"];
  readonly exited: Promise<InstanceExit>;
  readonly #parts: EnteredParts;

  constructor(parts: EnteredParts) {
    this.#parts = parts;
    const { input, output, errors } = parts.launched;
    this.input = input;
    this.output = output;
    this.errors = errors;
    this.exited = this.#end();
  }

  resize(size: TerminalSize): void {
    this.#parts.launched.terminal?.resize(size);
  }

  signal(name: EnteredSignal): void {
    const { tree } = this.#parts;
    if (name === "KILL") {
      tree.kill();
      return;
    }
    // To all of them, as a terminal does with Ctrl-C: a shell that has a trap waits for a program that has none.
    for (const process of tree.members()) signalProcess(process, `SIG${name}`);
  }

  async end(graceMs: number): Promise<void> {
    const { launched, tree } = this.#parts;
    if (launched.terminal === null) await endTree(tree, graceMs, this.exited);
    else await this.#hangUp(graceMs);
    await this.exited;
  }

  // A shell that hears of it ends at once and takes all others along: it is told when it has nothing to wait for any more.
  async #hangUp(graceMs: number): Promise<void> {
    const { tree } = this.#parts;
    const deadline = performance.now() + graceMs;
    const told = new Set<number>();
    while (!tree.isGone() && performance.now() < deadline) {
      for (const process of tree.receivers()) {
        if (told.has(process.pid)) continue;
        told.add(process.pid);
        signalProcess(process, "SIGHUP");
        // One that was halted by Ctrl-Z hears nothing until it goes on.
        signalProcess(process, "SIGCONT");
      }
      await Promise.race([this.exited, delay(Math.min(hangUpEveryMs, Math.max(1, deadline - performance.now())))]);
    }
    if (!tree.isGone()) tree.kill();
  }

  async #end(): Promise<InstanceExit> {
    const { launched, tree, cgroup, isShell, release, log } = this.#parts;
    const ended = await launched.ended;
    // What was left in the background ends with it.
    for (let waitMs = 1; !tree.isGone(); waitMs = Math.min(waitMs * 2, 50)) {
      tree.kill();
      await delay(waitMs);
    }
    const isOutOfMemory = (cgroup?.oomKills() ?? 0) > 0;
    const exit: InstanceExit = isShell && ended.signal === null ? { code: ended.code, signal: null, isOutOfMemory } : exitOf(ended, cgroup?.oomKills() ?? 0);
    release().catch((error: unknown) => log.error({ err: error }, "not everything of a terminal was given back"));
    return exit;
  }
}
