import { setTimeout as delay } from "node:timers/promises";
import { Failure } from "#contract/failure.ts";
import type { Log } from "#kit/log.ts";
import type { SiteServices } from "./site-services.ts";

/** Until what could not be put to rest is tried again. */
const laterMs = 2_000;
/** A swarm calls a node down 15 to 20 s after it has heard of it the last time; a busy machine takes longer. */
const patienceMs = 60_000;
const askEveryMs = 200;

type Services = Pick<SiteServices, "restEarlier" | "nodesInTheWay">;

export interface EarlierProgramsDeps {
  /** Rejects while the engine is away. */
  readonly services: () => Promise<Services>;
  readonly log: Log;
  readonly patienceMs?: number;
  readonly laterMs?: number;
}

/**
 * Programs of sites that an orchestrator before this one started on its node. It may be gone while they run: nobody but the swarm ends them then,
 * and it is told as soon as the site is another's, not only when that one starts the site.
 */
export class EarlierPrograms {
  readonly #deps: EarlierProgramsDeps;
  /** Sites that were taken over, by the placement since. */
  readonly #owed = new Map<number, number>();
  readonly #done = new Map<number, number>();
  #isAtWork = false;
  #isClosed = false;

  constructor(deps: EarlierProgramsDeps) {
    this.#deps = deps;
  }

  /** Has those of a site put to rest, which nobody waits for: again and again until the swarm has been told. */
  end(siteId: number, placement: number): void {
    if ((this.#done.get(siteId) ?? -1) >= placement) return;
    this.#owed.set(siteId, placement);
    if (!this.#isAtWork) void this.#work();
  }

  /** Waits until none of a site runs any more. @throws {Failure} `program_elsewhere` when that cannot be known. */
  async whenDown(services: Services, of: { readonly siteId: number; readonly placement: number; readonly nodeId: string }): Promise<void> {
    const deadline = performance.now() + (this.#deps.patienceMs ?? patienceMs);
    while (true) {
      const nodes = await services.nodesInTheWay(of);
      if (nodes.length === 0) return;
      if (this.#isClosed || performance.now() > deadline) throw new Failure("program_elsewhere", { nodes: nodes.join(", ") });
      await delay(askEveryMs);
    }
  }

  close(): void {
    this.#isClosed = true;
  }

  async #work(): Promise<void> {
    this.#isAtWork = true;
    while (this.#owed.size > 0 && !this.#isClosed) {
      for (const [siteId, placement] of [...this.#owed]) await this.#end(siteId, placement);
      if (this.#owed.size > 0) await delay(this.#deps.laterMs ?? laterMs, undefined, { ref: false });
    }
    this.#isAtWork = false;
  }

  async #end(siteId: number, placement: number): Promise<void> {
    if (this.#isClosed) return;
    try {
      await (await this.#deps.services()).restEarlier(siteId, placement);
      this.#done.set(siteId, placement);
      // It may have been taken over once more meanwhile.
      if (this.#owed.get(siteId) === placement) this.#owed.delete(siteId);
    } catch (err) {
      this.#deps.log.warn({ err, siteId }, "the program of a site that was taken over cannot be put to rest yet");
    }
  }
}
