import { Lane } from "#orchestrator/sites/lane.ts";
import type { ProcessInstance } from "../process/process-instance.ts";
import type { InstanceExit, RunningInstance } from "../site-runtime.ts";
import { isUnheard } from "./engine.ts";
import type { LogMoment } from "./log-moment.ts";
import { isAwayFailure } from "./runtime-parts.ts";

/** Halts a container and lets it go on. Both succeed where that is done already or the container has ended. */
export interface ContainerFreezer {
  freeze(): Promise<void>;
  /** `waits`: for an engine that is being started again, as a start does. @throws {Failure} `component_away`, `program_stuck` */
  thaw(options: { readonly waits: boolean }): Promise<{ readonly hasEnded: boolean }>;
}

export interface SwarmInstanceParts {
  /** Unlike that of every other start. */
  readonly start: string;
  readonly freezer: ContainerFreezer;
  /** Hands on nothing more of what it prints, and tells from when on the next orchestrator has to. */
  readonly leave: () => Promise<LogMoment>;
}

/** A program in a container of this node: its processes are the machine's own, but for being halted, which the engine has to know of. */
export class SwarmInstance implements RunningInstance {
  readonly siteId: number;
  readonly instance: string;
  readonly address: RunningInstance["address"];
  readonly exited: Promise<InstanceExit>;
  readonly #program: ProcessInstance;
  readonly #parts: SwarmInstanceParts;
  readonly #freezing = new Lane();
  #isFrozen = false;
  #isStopping = false;
  #isLeft = false;

  constructor(program: ProcessInstance, parts: SwarmInstanceParts) {
    this.#program = program;
    this.#parts = parts;
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
      const before = this.#isFrozen;
      // Also where the answer is lost: it may stand still then.
      this.#isFrozen = true;
      await this.#parts.freezer.freeze().catch((error: unknown) => {
        if (isUnheard(error)) this.#isFrozen = before;
        throw error;
      });
    });
  }

  thaw(): Promise<void> {
    return this.#thaw(() => true);
  }

  #thaw(waits: () => boolean): Promise<void> {
    return this.#freezing.run(async () => {
      const { hasEnded } = await this.#parts.freezer.thaw({ waits: waits() });
      this.#isFrozen = false;
      // Its engine ended it when it came back: whoever sent visitors to it would send them to nobody.
      if (hasEnded) await this.exited;
    });
  }

  get start(): string {
    return this.#parts.start;
  }

  /** From now on it is not stopped: it belongs to the next orchestrator. */
  leave(): Promise<LogMoment> {
    this.#isLeft = true;
    return this.#parts.leave();
  }

  async stop(graceMs: number): Promise<void> {
    if (this.#isLeft) return;
    this.#isStopping = true;
    // Only what moves can end, even by force. One that is not frozen may have been halted by hand.
    await this.#thaw(() => this.#isFrozen).catch((error: unknown) => {
      // A program that moves is ended without its engine.
      if (!this.#isFrozen && isAwayFailure(error)) return;
      // It is as it was, and may be frozen and stopped again.
      this.#isStopping = false;
      throw error;
    });
    await this.#program.stop(graceMs);
  }
}
