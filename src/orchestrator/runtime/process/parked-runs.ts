import type { ChildProcess } from "node:child_process";
import type { Log } from "#kit/log.ts";
import type { RunRequest } from "../run.ts";
import type { Cgroups } from "./cgroups.ts";
import { isWaiting, spawnParked } from "./parked-launchers.ts";
import { makeRunCgroup, type RunCgroup } from "./run-cgroup.ts";
import type { SandboxMachine } from "./sandbox-machine.ts";

/** A launcher that was made ahead of time, in a control group that has no limits yet. */
export interface ParkedRun {
  readonly child: ChildProcess;
  readonly cgroup: RunCgroup | null;
}

/** Making one takes as much of a core as the start that has just taken one; a burst is served first. */
const refillAfterMs = 100;
/** A parked launcher reads its command line by line. */
const commandBytes = 16 * 1024;

/** Launchers for runs: what spawning and joining a control group costs is paid before anybody waits. None is made before the first run. */
export class ParkedRuns {
  readonly #options: { readonly machine: SandboxMachine; readonly cgroups: Cgroups | null; readonly count: number; readonly log: Log };
  readonly #parked: ParkedRun[] = [];
  #made = 0;
  #refill: NodeJS.Timeout | null = null;
  #filling: Promise<void> | null = null;
  #isClosed = false;

  constructor(options: { readonly machine: SandboxMachine; readonly cgroups: Cgroups | null; readonly count: number; readonly log: Log }) {
    this.#options = options;
  }

  /** One that fits, with the run's limits; null when the run has to be launched from the beginning. */
  take(request: RunRequest): ParkedRun | null {
    this.#fillLater();
    if (!isPlain(request)) return null;
    for (let next = this.#parked.shift(); next !== undefined; next = this.#parked.shift()) {
      if (isWaiting(next.child)) {
        next.cgroup?.limit(request.limits);
        return next;
      }
      void this.#discard(next);
    }
    return null;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#refill !== null) clearTimeout(this.#refill);
    await this.#filling;
    await Promise.all(this.#parked.splice(0).map((parked) => this.#discard(parked)));
  }

  #fillLater(): void {
    // Not put off by the next start: under steady load none would ever be made again.
    if (this.#isClosed || this.#filling !== null || this.#refill !== null || this.#options.count === 0) return;
    this.#refill = setTimeout(() => {
      this.#refill = null;
      this.#filling = this.#fill()
        .catch((err: unknown) => this.#options.log.warn({ err }, "no launcher of runs could be parked; starts take a little longer"))
        .finally(() => {
          this.#filling = null;
        });
    }, refillAfterMs).unref();
  }

  async #fill(): Promise<void> {
    while (!this.#isClosed && this.#parked.length < this.#options.count) this.#parked.push(await this.#park());
  }

  async #park(): Promise<ParkedRun> {
    const { machine, cgroups } = this.#options;
    this.#made += 1;
    const cgroup = cgroups === null ? null : makeRunCgroup(cgroups, `run-parked-${this.#made}`);
    const parked = { child: spawnParked(machine, null), cgroup };
    try {
      if (parked.child.pid === undefined) throw new Error("it could not be spawned");
      await cgroup?.join(parked.child.pid);
      return parked;
    } catch (error) {
      await this.#discard(parked);
      throw error;
    }
  }

  async #discard({ child, cgroup }: ParkedRun): Promise<void> {
    const ended = new Promise((resolve) => child.once("exit", resolve).once("error", resolve));
    if (isWaiting(child)) {
      child.kill("SIGKILL");
      await ended;
    }
    await cgroup?.remove();
  }
}

// What is long, or has lines of its own, is launched with a command line from the beginning.
function isPlain({ command, arguments: given }: RunRequest): boolean {
  const words = [...given, ...(command.kind === "command" ? [command.command] : [command.path, command.shellArguments ?? ""])];
  return words.every((word) => !word.includes("\n")) && words.reduce((sum, word) => sum + word.length + 1, 0) < commandBytes;
}
