import { setTimeout as delay } from "node:timers/promises";
import type { SiteAddress } from "#contract/site-spec.ts";
import type { Log } from "#kit/log.ts";
import { Lane } from "#orchestrator/sites/lane.ts";
import type { InstanceExit, RunningInstance } from "../site-runtime.ts";
import { bootPauseMs } from "./boot-pause.ts";
import type { TreeFreezer } from "./group-freezer.ts";
import type { Launched } from "./launch.ts";
import { reaches, socketText } from "./listening-sockets.ts";
import { signalProcess } from "./process-table.ts";
import type { ProcessTree } from "./process-tree.ts";
import { exitOf } from "./program-exit.ts";

export interface InstanceParts {
  readonly siteId: number;
  readonly instance: string;
  readonly address: SiteAddress;
  readonly launched: Pick<Launched, "ended" | "output">;
  readonly tree: ProcessTree;
  /** Where the program has to listen, as it sees it itself. */
  readonly target: { readonly address: string; readonly port: number };
  /** Resolves when requests to `address` reach the place of the program: a relay may have to start. */
  readonly reachable: Promise<void>;
  /** Called when it listens, and when it has ended. */
  readonly onBooted: () => void;
  /** Null where not every process can be found for sure. */
  readonly freezer: TreeFreezer | null;
  /** What it holds in memory; null where that is not counted. */
  readonly memoryBytes: () => number | null;
  /** How many processes the memory limit has ended. */
  readonly oomKills: () => number;
  /** Gives back address, groups and records. */
  readonly release: () => Promise<void>;
  readonly log: Log;
}

/** At most one part in so many of the time goes into looking while nothing changes. */
const lookCost = 4;
/** Sockets that came or went are looked at out of turn so often: a program that opens and closes them for ever does not get this process for itself. */
const mostNews = 20;
const termEveryMs = 20;

/** One program and everything that it started. */
export class ProcessInstance implements RunningInstance {
  readonly siteId: number;
  readonly instance: string;
  readonly address: SiteAddress;
  readonly exited: Promise<InstanceExit>;
  readonly #parts: InstanceParts;
  #hasEnded = false;
  #isStopping = false;
  #isBlind = false;
  #newsLeft = mostNews;
  readonly #freezing = new Lane();

  constructor(parts: InstanceParts) {
    this.siteId = parts.siteId;
    this.instance = parts.instance;
    this.address = parts.address;
    this.#parts = parts;
    this.exited = this.#end();
  }

  async listening(): Promise<readonly string[]> {
    return [...new Set(this.#parts.tree.listening().map(socketText))];
  }

  async whenListening(signal: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    const look = this.#look();
    while (!look()) {
      signal.throwIfAborted();
      if (this.#hasEnded) throw new Error("the program ended before it listened");
      await delay(bootPauseMs(performance.now() - startedAt));
    }
    this.#parts.onBooted();
    await Promise.race([this.#parts.reachable, aborted(signal)]);
  }

  /** Looks whether the program listens. To find out what listens can take 15 ms of a core, so a look without news is a rare one, and news count a few times only. */
  #look(): () => boolean {
    const { tree, target } = this.#parts;
    let seen: string | null = null;
    let nextAt = 0;
    return () => {
      const before = performance.now();
      const count = tree.socketCount();
      if (before < nextAt && (count === seen || this.#newsLeft === 0)) return false;
      if (before < nextAt) this.#newsLeft -= 1;
      seen = count;
      const isListening = tree.listening().some((socket) => reaches(socket, target));
      const now = performance.now();
      nextAt = now + lookCost * (now - before);
      return isListening;
    };
  }

  freeze(): Promise<void> {
    return this.#freezing.run(async () => {
      const { freezer } = this.#parts;
      if (freezer === null) throw new Error("programs cannot be frozen here");
      if (this.#hasEnded || this.#isStopping) return;
      await freezer.freeze();
      // Whoever stopped it meanwhile waits for it to go on.
      if (this.#isStopping) freezer.thaw();
    });
  }

  thaw(): Promise<void> {
    return this.#freezing.run(async () => this.#parts.freezer?.thaw());
  }

  async memoryBytes(): Promise<number | null> {
    return this.#parts.memoryBytes();
  }

  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    const deadline = performance.now() + (this.#goesOn() ? graceMs : 0);
    const told = new Set<number>();
    while (!this.#hasEnded && performance.now() < deadline) {
      for (const process of this.#parts.tree.receivers()) {
        if (told.has(process.pid)) continue;
        told.add(process.pid);
        signalProcess(process, "SIGTERM");
      }
      await Promise.race([this.exited, delay(Math.min(termEveryMs, Math.max(0, deadline - performance.now())))]);
    }
    if (!this.#hasEnded) this.#parts.tree.kill();
    await this.exited;
  }

  /** Only what moves can end well; what cannot be let go on is ended by force, which it cannot evade. */
  #goesOn(): boolean {
    try {
      this.#parts.freezer?.thaw();
      return true;
    } catch (error) {
      this.#parts.log.error({ err: error, site: this.siteId }, "a frozen program cannot go on, and is ended by force");
      return false;
    }
  }

  /** Ends what is left. What cannot be looked at is looked at again: nobody else would, and its address is not free meanwhile. */
  #hasGone(): boolean {
    const { tree, log } = this.#parts;
    try {
      if (tree.isGone()) return true;
      tree.kill();
    } catch (error) {
      if (!this.#isBlind) log.error({ err: error, site: this.siteId }, "it cannot be told whether a program has ended; looking again");
      this.#isBlind = true;
    }
    return false;
  }

  async #end(): Promise<InstanceExit> {
    const { launched, oomKills, onBooted, release, log } = this.#parts;
    const ended = await launched.ended;
    onBooted();
    // Bubblewrap takes the rest with it by itself; this is for the case that it was ended in the middle of that.
    for (let waitMs = 1; !this.#hasGone(); waitMs = Math.min(waitMs * 2, 50)) await delay(waitMs);
    // The last words are in the pipes still.
    await Promise.race([launched.output, delay(2000)]);
    const exit = exitOf(ended, oomKills());
    this.#hasEnded = true;
    // Whoever waits for the end of the program waits for nothing else: a group that stays behind is removed at the next start.
    await release().catch((error: unknown) => log.error({ err: error, site: this.siteId }, "not everything of a program was given back"));
    return exit;
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}
