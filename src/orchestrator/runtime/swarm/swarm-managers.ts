import { setTimeout as delay } from "node:timers/promises";
import type Docker from "dockerode";
import { Failure } from "#contract/failure.ts";
import { connectEngine, type EngineAddress, isAway, isLeaderless } from "./engine.ts";

/** How long the swarm is waited for: a new leader is there 10 to 15 s after the last one was killed, later on a machine that is busy. */
const patienceMs = 60_000;
const retryMs = 250;
/** An engine's own patience with the swarm is 20 s; one that is cut off never answers. */
const answerMs = 25_000;
/** Tries to change what somebody else is changing, too. */
const mostTries = 5;

/** The engines that manage the swarm. One of them is asked, the next one when it does not answer. */
export class SwarmManagers {
  readonly #addresses: readonly EngineAddress[];
  readonly #patienceMs: number;
  readonly #answerMs: number;
  readonly #connected = new Map<EngineAddress, Promise<Docker>>();
  #at = 0;

  constructor(addresses: readonly EngineAddress[], options: { readonly patienceMs?: number; readonly answerMs?: number } = {}) {
    this.#addresses = addresses;
    this.#patienceMs = options.patienceMs ?? patienceMs;
    this.#answerMs = options.answerMs ?? answerMs;
  }

  /** Asks once. */
  async once<T>(ask: (docker: Docker) => Promise<T>): Promise<T> {
    const at = this.#at;
    const address = this.#addresses[at];
    if (address === undefined) throw new Error("a swarm has a manager at least");
    try {
      return await ask(await this.#connect(address));
    } catch (error) {
      // Those that ask at the same time turn to the next one once.
      if (isAway(error) && this.#at === at) this.#at = (at + 1) % this.#addresses.length;
      throw error;
    }
  }

  /**
   * Asks until it is answered: while engines are away, the swarm elects a leader, or somebody else changes the same.
   * @throws {Failure} `component_away` when that lasts.
   */
  async ask<T>(ask: (docker: Docker) => Promise<T>): Promise<T> {
    const deadline = performance.now() + this.#patienceMs;
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.once(ask);
      } catch (error) {
        const isStale = error instanceof Error && /update out of sequence|name conflicts/.test(error.message) && tries < mostTries;
        const isWaitedFor = isAway(error) && performance.now() < deadline;
        if (!isStale && !isWaitedFor) throw isAway(error) ? awayFailure(error) : error;
        await delay(isStale ? 5 : retryMs);
      }
    }
  }

  #connect(address: EngineAddress): Promise<Docker> {
    const known = this.#connected.get(address);
    if (known !== undefined) return known;
    const connecting = connectEngine(address, { answerMs: this.#answerMs }).then(({ docker }) => docker);
    this.#connected.set(address, connecting);
    connecting.catch(() => this.#connected.delete(address));
    return connecting;
  }
}

/** That an engine, or its swarm, is away, as people are told it. */
export function awayFailure(cause: unknown): Failure {
  return new Failure("component_away", { component: isLeaderless(cause) ? "leader of the Docker swarm" : "Docker engine" }, { cause });
}
