import { rmSync } from "node:fs";
import { join } from "node:path";
import type { RunLimits } from "#contract/task.ts";
import type { Log } from "#kit/log.ts";
import type { Cgroups } from "./cgroups.ts";
import { Nursery, type NurseryPlace } from "./nursery.ts";
import { makeRunCgroup, type RunCgroup } from "./run-cgroup.ts";
import type { RunRoot } from "./run-root.ts";

type Limits = Pick<RunLimits, "cpu" | "memoryBytes" | "pids">;

/** A nursery of one's own, in control groups of one's own, until it is given back. */
export interface LeasedNursery {
  readonly nursery: Nursery;
  readonly cgroup: RunCgroup | null;
  /** Whether it stands in an empty network that nobody but this owner has used: the run needs none of its own. */
  readonly hasNetwork: boolean;
  /** To be called once everything that it started has gone. */
  release(): void;
}

interface NurseriesOptions {
  readonly place: NurseryPlace;
  readonly root: RunRoot;
  readonly cgroups: Cgroups | null;
  /** How many are kept when nothing runs. */
  readonly idle: number;
  /** New groups for each run, also where the old ones would do. */
  readonly freshGroups?: boolean;
  readonly log: Log;
}

interface Held {
  readonly nursery: Nursery;
  cgroup: RunCgroup | null;
  limits: Limits | null;
  /** The first whose run it had; undefined before that. Only theirs may use its network: a socket can be handed out of a run, and outlives it. */
  owner: number | null | undefined;
}

/** The nursery and its guard. */
const nurseryPids = 2;
/** To spawn one takes as much of a core as the start that took the last one; a burst is served first. */
const refillAfterMs = 100;

/** Nurseries that wait for runs, each in control groups that are used again: neither a fork of ours nor a move between groups comes with a start. */
export class Nurseries {
  readonly #options: NurseriesOptions;
  readonly #idle: Held[] = [];
  readonly #all = new Set<Held>();
  #made = 0;
  #madeGroups = 0;
  #refill: NodeJS.Timeout | null = null;
  readonly #work = new Set<Promise<unknown>>();
  #isClosed = false;

  /** What their sandboxes stand on. */
  get root(): RunRoot {
    return this.#options.root;
  }

  /** None is made before the first run. */
  constructor(options: NurseriesOptions) {
    this.#options = options;
  }

  /** @throws when none can be made. */
  async lease(limits: Limits, owner: number | null): Promise<LeasedNursery> {
    for (let held = this.#takeIdle(owner); held !== undefined; held = this.#takeIdle(owner)) {
      if (this.#limit(held, limits)) return this.#leased(held, owner);
    }
    const held = await this.#make();
    if (!this.#limit(held, limits)) throw new Error("a new control group took no limits");
    return this.#leased(held, owner);
  }

  /** A group that an earlier run has filled may not take a lower limit: then another one has to. */
  #limit(held: Held, limits: Limits): boolean {
    try {
      if (!sameLimits(held.limits, limits)) held.cgroup?.limit({ ...limits, pids: limits.pids + nurseryPids });
      held.limits = limits;
      held.cgroup?.begin();
      return true;
    } catch (err) {
      this.#options.log.warn({ err }, "a control group could not be limited anew");
      this.#inBackground(this.#discard(held));
      return false;
    }
  }

  #leased(held: Held, owner: number | null): LeasedNursery {
    if (this.#idle.length === 0) this.#refillLater();
    if (held.owner === undefined) held.owner = owner;
    const hasNetwork = this.#options.place.network !== null && held.owner === owner;
    return { nursery: held.nursery, cgroup: held.cgroup, hasNetwork, release: () => this.#inBackground(this.#takeBack(held)) };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#refill !== null) clearTimeout(this.#refill);
    await Promise.allSettled(this.#work);
    await Promise.all([...this.#all].map((held) => this.#discard(held)));
    rmSync(this.#options.place.folder, { recursive: true, force: true });
  }

  /** One that this owner has used, or nobody yet; another's otherwise. */
  #takeIdle(owner: number | null): Held | undefined {
    for (const wanted of [owner, undefined]) {
      const index = this.#idle.findLastIndex((held) => held.owner === wanted);
      const [found] = index < 0 ? [] : this.#idle.splice(index, 1);
      if (found !== undefined) this.#idle.push(found);
      if (found !== undefined) break;
    }
    for (let next = this.#idle.pop(); next !== undefined; next = this.#idle.pop()) {
      if (next.nursery.isIdle) return next;
      this.#inBackground(this.#discard(next));
    }
    return undefined;
  }

  async #make(): Promise<Held> {
    const { place, cgroups } = this.#options;
    this.#made += 1;
    const held: Held = { nursery: new Nursery({ ...place, folder: join(place.folder, String(this.#made)) }), cgroup: null, limits: null, owner: undefined };
    this.#all.add(held);
    try {
      if (held.nursery.pid === undefined) throw new Error("a nursery could not be spawned");
      held.cgroup = cgroups === null ? null : this.#makeGroup(cgroups);
      await held.cgroup?.join(held.nursery.pid);
      return held;
    } catch (error) {
      await this.#discard(held);
      throw error;
    }
  }

  async #takeBack(held: Held): Promise<void> {
    if (this.#isClosed || !held.nursery.isIdle || this.#idle.length >= this.#options.idle) return this.#discard(held);
    try {
      await this.#renew(held);
      this.#idle.push(held);
    } catch (error) {
      await this.#discard(held);
      throw error;
    }
  }

  /** Moves a nursery into new groups where the old ones cannot count for another run. */
  async #renew(held: Held): Promise<void> {
    const { cgroups, freshGroups = false } = this.#options;
    const { nursery, cgroup } = held;
    if (cgroups === null || cgroup === null || nursery.pid === undefined || (cgroup.countsAnew && !freshGroups)) return;
    held.cgroup = this.#makeGroup(cgroups);
    held.limits = null;
    await held.cgroup.join(nursery.pid);
    await cgroup.remove();
  }

  #makeGroup(cgroups: Cgroups): RunCgroup {
    this.#madeGroups += 1;
    return makeRunCgroup(cgroups, `run-nursery-${this.#madeGroups}`);
  }

  async #discard(held: Held): Promise<void> {
    if (!this.#all.delete(held)) return;
    await held.nursery.close();
    await held.cgroup?.remove();
  }

  #refillLater(): void {
    if (this.#isClosed || this.#refill !== null || this.#options.idle === 0) return;
    this.#refill = setTimeout(() => {
      this.#refill = null;
      if (this.#idle.length > 0) return;
      this.#inBackground(this.#make().then((held) => void this.#idle.push(held)));
    }, refillAfterMs).unref();
  }

  #inBackground(work: Promise<unknown>): void {
    const noted = work
      .catch((err: unknown) => this.#options.log.warn({ err }, "a nursery of runs was not made or given back; starts take a little longer"))
      .finally(() => this.#work.delete(noted));
    this.#work.add(noted);
  }
}

function sameLimits(held: Limits | null, asked: Limits): boolean {
  return held !== null && held.cpu === asked.cpu && held.memoryBytes === asked.memoryBytes && held.pids === asked.pids;
}
