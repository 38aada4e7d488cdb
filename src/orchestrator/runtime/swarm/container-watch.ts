import { setTimeout as delay } from "node:timers/promises";
import type Docker from "dockerode";
import { identify, isAlive, type ProcessId } from "../process/process-table.ts";
import { statusOf } from "./engine.ts";
import type { ContainerEvent, StartListener } from "./engine-events.ts";
import { labels } from "./labels.ts";

/** How a container ended. */
export interface ContainerEnd {
  /** As shells say it; null when nobody can tell any more. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly isOutOfMemory: boolean;
}

/** Until a look that failed is made again. */
const lookAgainMs = 1_000;

/** What goes on with the container of one start: by the engine's events, and by looking where events were missed. */
export class ContainerWatch implements StartListener {
  readonly started: Promise<string>;
  readonly ended: Promise<ContainerEnd>;
  readonly #docker: Docker;
  readonly #start: string;
  #containerId: string | null;
  #init: ProcessId | null = null;
  #hasRunOut = false;
  #wasKilled = false;
  #hasEnded = false;
  #hasGap = false;
  #isLooking = false;
  #isForgotten = false;
  #onStarted: (containerId: string) => void = () => undefined;
  #onEnded: (end: ContainerEnd) => void = () => undefined;

  /** `containerId`: of a container that runs already. */
  constructor(docker: Docker, start: string, containerId: string | null = null) {
    this.#docker = docker;
    this.#start = start;
    this.#containerId = containerId;
    this.started = new Promise((resolve) => {
      this.#onStarted = resolve;
    });
    this.ended = new Promise((resolve) => {
      this.#onEnded = resolve;
    });
    if (containerId !== null) this.#onStarted(containerId);
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get hasRunOutOfMemory(): boolean {
    return this.#hasRunOut;
  }

  /** Whether the engine was told to end it, by the swarm or by hand: we end programs by their processes. */
  get wasKilled(): boolean {
    return this.#wasKilled;
  }

  /** The container's first process, whose end is the container's while the engine is away. */
  knowInit(pid: number): ProcessId | null {
    this.#init = pid === 0 ? null : identify(pid);
    return this.#init;
  }

  onEvent({ action, containerId, exitCode }: ContainerEvent): void {
    // Whoever changes a service by hand has the swarm start another one with the same labels: its end is not that of ours.
    if (this.#containerId !== null && containerId !== this.#containerId) return;
    if (action === "oom") this.#hasRunOut = true;
    else if (action === "kill") this.#wasKilled = true;
    else if (action === "start") this.#begin(containerId);
    else {
      // The start of a program that ends at once may come together with its end.
      this.#begin(containerId);
      this.#end({ code: exitCode, signal: null });
    }
  }

  onAway(): void {
    if (this.#init !== null && !isAlive(this.#init)) this.#end({ code: null, signal: "SIGKILL" });
  }

  onGap(): void {
    this.#hasGap = true;
    if (!this.#isLooking) void this.#lookUntilKnown();
  }

  onForgotten(): void {
    this.#isForgotten = true;
  }

  /** An end that was missed is told by nobody else: a look that fails is made again, and one that was under way at a gap is followed by another. */
  async #lookUntilKnown(): Promise<void> {
    this.#isLooking = true;
    while (this.#hasGap && !this.#hasEnded && !this.#isForgotten) {
      this.#hasGap = false;
      await this.look().catch(async () => {
        this.#hasGap = true;
        this.onAway();
        await delay(lookAgainMs, undefined, { ref: false });
      });
    }
    this.#isLooking = false;
  }

  /** Asks the engine what has become of it. */
  async look(): Promise<void> {
    if (this.#containerId === null) {
      const filters = JSON.stringify({ label: [`${labels.start}=${this.#start}`] });
      const [found] = await this.#docker.listContainers({ all: true, filters });
      if (found === undefined || found.State === "created") return;
      this.#begin(found.Id);
    }
    await this.#lookAt(this.#containerId ?? "");
  }

  async #lookAt(containerId: string): Promise<void> {
    try {
      const { State: state } = await this.#docker.getContainer(containerId).inspect();
      if (state.Running || state.Status === "created") return;
      if (state.OOMKilled) this.#hasRunOut = true;
      this.#end({ code: state.ExitCode, signal: null });
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
      this.#end({ code: null, signal: "SIGKILL" });
    }
  }

  #begin(containerId: string): void {
    this.#containerId = containerId;
    this.#onStarted(containerId);
  }

  #end(end: Omit<ContainerEnd, "isOutOfMemory">): void {
    this.#hasEnded = true;
    this.#onEnded({ ...end, isOutOfMemory: this.#hasRunOut });
  }
}
