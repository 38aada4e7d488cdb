import { setTimeout as delay } from "node:timers/promises";
import Docker from "dockerode";
import { connectionOf, type EngineAddress } from "./engine.ts";

/** Those that ask within this time share an answer. */
const freshMs = 1_000;
/** Whoever asks waits no longer than this: a heartbeat has to be answered, too. */
const askerMs = 700;
/** A machine that is busy may take seconds to answer. */
const silentMs = 10_000;
/** Then the question is given up, and asked anew. */
const answerMs = 30_000;

export interface EngineHealthOptions {
  readonly silentMs?: number;
}

/** Whether the engine of this node can be worked with now. */
export class EngineHealth {
  readonly #address: EngineAddress;
  readonly #silentMs: number;
  #asking: Promise<void> | null = null;
  #askedAt = Number.NEGATIVE_INFINITY;
  #trouble: string | null = null;

  constructor(address: EngineAddress, options: EngineHealthOptions = {}) {
    this.#address = address;
    this.#silentMs = options.silentMs ?? silentMs;
  }

  /** What is wrong, in words; null when nothing is. `nodeId`: what the swarm knew this node by, once that is known. */
  async trouble(nodeId: string | null): Promise<string | null> {
    if (this.#asking === null && performance.now() - this.#askedAt > freshMs) {
      this.#askedAt = performance.now();
      this.#asking = this.#ask(nodeId).finally(() => {
        this.#asking = null;
      });
    }
    if (this.#asking !== null) await Promise.race([this.#asking, delay(askerMs, undefined, { ref: false })]);
    const { host } = this.#address;
    if (this.#asking !== null && performance.now() - this.#askedAt > this.#silentMs) return `The Docker engine at ${host} accepts questions and answers none.`;
    return this.#trouble;
  }

  async #ask(nodeId: string | null): Promise<void> {
    const { host } = this.#address;
    try {
      const { Swarm: swarm } = await new Docker({ ...connectionOf(this.#address), timeout: answerMs }).info();
      this.#trouble = swarm === undefined ? null : placeTrouble(swarm, nodeId);
    } catch (error) {
      this.#trouble = `The Docker engine at ${host} does not answer: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
}

/** What is wrong with an engine's place in its swarm. */
export function placeTrouble(
  swarm: { readonly LocalNodeState: string; readonly NodeID?: string; readonly Error?: string },
  nodeId: string | null,
): string | null {
  const { LocalNodeState: state, NodeID: current = "", Error: said = "" } = swarm;
  if (state === "inactive") return "The Docker engine is in no swarm any more: let it join again, and start the orchestrator again.";
  if (state !== "active") return `The Docker engine has not found its swarm (${[state, said].filter((words) => words !== "").join(": ")}).`;
  if (nodeId !== null && current !== nodeId) return "The Docker engine is another node of the swarm than before: start the orchestrator again.";
  return null;
}
