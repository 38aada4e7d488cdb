import { EngineHealth } from "./engine-health.ts";
import { removeDisposable } from "./left-containers.ts";
import { prepareMachine, type SwarmOptions } from "./prepare-machine.ts";
import type { SwarmMachine } from "./swarm-machine.ts";

/** This node as it was found: once, or as soon as its engine lets itself be looked at. */
export class PreparedMachine {
  readonly #options: SwarmOptions;
  readonly #health: EngineHealth;
  #machine: Promise<SwarmMachine> | null = null;
  #nodeId: string | null = null;
  /** Why it could not be looked at the last time. */
  #refusal: string | null = null;
  /** The disposable containers of an earlier orchestrator are still to be removed. */
  #owesCleanUp = false;

  constructor(options: SwarmOptions) {
    this.#options = options;
    this.#health = new EngineHealth(options.engine);
  }

  /** @throws in words while there is no engine to work with; the next call tries again. */
  get(): Promise<SwarmMachine> {
    this.#machine ??= this.#prepare().catch((error: unknown) => {
      this.#machine = null;
      this.#refusal = error instanceof Error ? error.message : String(error);
      throw error;
    });
    return this.#machine;
  }

  /** What was found; null when nothing was yet. */
  async found(): Promise<SwarmMachine | null> {
    return (await this.#machine?.catch(() => null)) ?? null;
  }

  /** Removes the disposable containers of an earlier orchestrator; when the engine is away now, before anybody starts more. */
  async cleanUp(): Promise<number> {
    const machine = await this.get().catch(() => null);
    this.#owesCleanUp = machine === null;
    return machine === null ? 0 : removeDisposable(machine);
  }

  /** Why no container can be started now, in words. */
  async trouble(): Promise<string | null> {
    const trouble = await this.#health.trouble(this.#nodeId);
    if (trouble !== null) return trouble;
    if (this.#nodeId !== null) return (await this.found())?.trouble() ?? null;
    if (this.#refusal === null) return null;
    void this.get().catch(() => undefined);
    return `The Docker engine at ${this.#options.engine.host} cannot be used: ${this.#refusal}`;
  }

  async #prepare(): Promise<SwarmMachine> {
    const machine = await prepareMachine(this.#options);
    if (this.#owesCleanUp) await removeDisposable(machine);
    this.#owesCleanUp = false;
    this.#nodeId = machine.nodeId;
    return machine;
  }
}
