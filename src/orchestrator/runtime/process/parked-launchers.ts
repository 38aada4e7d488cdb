import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Log } from "#kit/log.ts";
import type { Cgroups, SiteCgroup } from "./cgroups.ts";
import type { SandboxMachine } from "./sandbox-machine.ts";
import type { SiteNetwork, SiteNetworks } from "./site-networks.ts";
import { withPipes } from "./with-pipes.ts";

/** A process that stands in its namespaces and control groups, and waits to be told what to become. */
export interface ParkedLauncher {
  readonly child: ChildProcess;
  readonly network: SiteNetwork;
  /** Without limits until it is given some; null where there are no control groups. */
  readonly cgroup: SiteCgroup | null;
}

export interface ParkedLaunchersOptions {
  readonly machine: SandboxMachine;
  readonly networks: SiteNetworks;
  readonly cgroups: Cgroups | null;
  /** How many wait. */
  readonly count: number;
  readonly log: Log;
}

const program = fileURLToPath(new URL("./park.sh", import.meta.url));
/** Making one takes as much of a core as the start that has just taken one needs for itself. */
const refillAfterMs = 300;

/**
 * Launchers made ahead of time: to spawn a process takes 5 to 10 ms of ours, and the kernel takes as long to move one into a
 * control group, several times over under version 1. What a parked launcher becomes is in its groups from the beginning.
 */
export class ParkedLaunchers {
  readonly #options: ParkedLaunchersOptions;
  readonly #parked: ParkedLauncher[] = [];
  #made = 0;
  #filling: Promise<void> | null = null;
  #refill: NodeJS.Timeout | null = null;
  #isAskedAgain = false;
  #isClosed = false;

  constructor(options: ParkedLaunchersOptions) {
    this.#options = options;
    this.#fillLater();
  }

  /** One that waits; null when there is none, and the start has to make everything itself. */
  take(): ParkedLauncher | null {
    this.#fillLater();
    for (let next = this.#parked.shift(); next !== undefined; next = this.#parked.shift()) {
      if (isWaiting(next.child)) return next;
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
    if (this.#isClosed) return;
    // What is being made now may be made for nothing: look again after it.
    this.#isAskedAgain = this.#filling !== null;
    if (this.#filling !== null) return;
    // A burst of starts is served first: each of them puts it off again.
    if (this.#refill !== null) clearTimeout(this.#refill);
    this.#refill = setTimeout(() => {
      this.#refill = null;
      this.#filling = this.#fill()
        .catch((error: unknown) => this.#options.log.warn({ err: error }, "no launcher could be parked; starts take a little longer"))
        .finally(() => {
          this.#filling = null;
          if (this.#isAskedAgain) this.#fillLater();
        });
    }, refillAfterMs).unref();
  }

  async #fill(): Promise<void> {
    while (!this.#isClosed && this.#parked.length < this.#options.count) this.#parked.push(await this.#park());
  }

  async #park(): Promise<ParkedLauncher> {
    const { networks } = this.#options;
    this.#made += 1;
    const network = await networks.lease({ hasEgress: false });
    const parked = this.#spawn(network);
    const { child, cgroup } = parked;
    try {
      if (child.pid === undefined) throw new Error("it could not be spawned");
      await cgroup?.join(child.pid);
      if (!isWaiting(child)) throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`);
      return parked;
    } catch (error) {
      await this.#discard(parked);
      throw error;
    }
  }

  // Where it cannot be spawned at all (no descriptor is left) its network must not be lost as well.
  #spawn(network: SiteNetwork): ParkedLauncher {
    const { machine, cgroups } = this.#options;
    let cgroup: SiteCgroup | null = null;
    try {
      cgroup = cgroups?.prepare(`parked-${this.#made}`, { isFreezable: true }) ?? null;
      return { child: spawnParked(machine, network), network, cgroup };
    } catch (error) {
      network.release();
      void cgroup?.remove();
      throw error;
    }
  }

  async #discard(parked: ParkedLauncher): Promise<void> {
    const ended = new Promise((resolve) => parked.child.once("exit", resolve).once("error", resolve));
    if (isWaiting(parked.child)) {
      parked.child.kill("SIGKILL");
      await ended;
    }
    parked.network.release();
    await parked.cgroup?.remove();
  }
}

/** Whether a parked process still waits to be told. */
function isWaiting(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

/** Parks a process in a network that was made for it. */
function spawnParked(machine: SandboxMachine, network: SiteNetwork): ChildProcess {
  const { programs, view, seccompFile } = machine;
  const seccomp = seccompFile === null ? [] : [openSync(seccompFile, "r")];
  try {
    const mounts = view.namespace === null ? [] : [`--mount=${view.namespace}`];
    const argv = [...mounts, `--net=${network.namespace}`, "--", "/bin/sh", program];
    // The descriptors of `launch`; the arguments come through a pipe instead of a file.
    const child = withPipes(spawn(programs.nsenter, argv, { env: {}, cwd: "/", stdio: ["ignore", "pipe", "pipe", "pipe", "pipe", "pipe", ...seccomp] }));
    child.on("error", () => undefined);
    // One that is ended while it waits breaks its pipes.
    for (const pipe of child.stdio) pipe?.on("error", () => pipe.destroy());
    return child;
  } finally {
    for (const descriptor of seccomp) closeSync(descriptor);
  }
}
