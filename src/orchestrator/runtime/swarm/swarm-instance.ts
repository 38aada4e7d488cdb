import { Lane } from "#orchestrator/sites/lane.ts";
import type { ProcessInstance } from "../process/process-instance.ts";
import type { InstanceExit, RunningInstance } from "../site-runtime.ts";
import { isAway } from "./engine.ts";

/** Halts a container and lets it go on. Both succeed where that is done already or the container has ended. */
export interface ContainerFreezer {
  freeze(): Promise<void>;
  thaw(): Promise<void>;
}

/** A program in a container of this node: its processes are the machine's own, but for being halted, which the engine has to know of. */
export class SwarmInstance implements RunningInstance {
  readonly siteId: number;
  readonly instance: string;
  readonly address: RunningInstance["address"];
  readonly exited: Promise<InstanceExit>;
  readonly #program: ProcessInstance;
  readonly #freezer: ContainerFreezer;
  readonly #freezing = new Lane();
  #isFrozen = false;
  #isStopping = false;
  #isLeft = false;

  constructor(program: ProcessInstance, freezer: ContainerFreezer) {
    this.#program = program;
    this.#freezer = freezer;
    this.siteId = program.siteId;
    this.instance = program.instance;
    this.address = program.address;
    this.exited = program.exited;
  }

  listening(): Promise<readonly string[]> {
    return this.#program.listening();
  }

  whenListening(signal: AbortSignal): Promise<void> {
    return this.#program.whenListening(signal);
  }

  memoryBytes(): Promise<number | null> {
    return this.#program.memoryBytes();
  }

  freeze(): Promise<void> {
    return this.#freezing.run(async () => {
      if (this.#isStopping) return;
      // Also where the answer is lost: it may stand still then.
      this.#isFrozen = true;
      await this.#freezer.freeze();
    });
  }

  thaw(): Promise<void> {
    return this.#freezing.run(async () => {
      await this.#freezer.thaw();
      this.#isFrozen = false;
    });
  }

  /** From now on it is not stopped: it belongs to the next orchestrator. */
  leave(): void {
    this.#isLeft = true;
  }

  async stop(graceMs: number): Promise<void> {
    if (this.#isLeft) return;
    this.#isStopping = true;
    // Only what moves can end, even by force.
    await this.thaw().catch((error: unknown) => {
      // A program that moves is ended without its engine.
      if (this.#isFrozen || !isAway(error)) throw error;
    });
    await this.#program.stop(graceMs);
  }
}
