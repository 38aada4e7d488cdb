import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { RunLimits } from "#contract/task.ts";
import type { Log } from "#kit/log.ts";
import type { Cgroups } from "./cgroups.ts";
import { Keeping } from "./keeping.ts";
import { Nursery, type NurseryPlace } from "./nursery.ts";
import { makeRunCgroup, type RunCgroup } from "./run-cgroup.ts";
import type { RunRoot } from "./run-root.ts";
import type { WarmSandbox } from "./warm-sandbox.ts";

type Limits = Pick<RunLimits, "cpu" | "memoryBytes" | "pids">;

/** A nursery of one's own, in control groups of one's own, until it is given back. */
export interface LeasedNursery {
  readonly nursery: Nursery;
  readonly cgroup: RunCgroup | null;
  /** Whether it stands in an empty network that nobody but this owner has used: the run needs none of its own. */
  readonly hasNetwork: boolean;
  /** The sandbox that an earlier run like this one has left behind as it was; null when there is none. */
  readonly warm: WarmSandbox | null;
  /** Notes the sandbox that the nursery holds from now on. */
  adopt(warm: WarmSandbox): void;
  /** To be called once everything that it started has gone. */
  release(): void;
}

interface NurseriesOptions {
  readonly place: NurseryPlace;
  readonly root: RunRoot;
  readonly cgroups: Cgroups | null;
  /** How many are kept when nothing runs. */
  readonly idle: number;
  /** How long a sandbox waits for another run: it holds its site's folder, and the site may be gone. */
  readonly idleSandboxMs: number;
  /** New groups for each run, also where the old ones would do. */
  readonly freshGroups?: boolean;
  readonly log: Log;
}

/** Who asks for a nursery. */
interface LeaseRequest {
  readonly limits: Limits;
  readonly owner: number | null;
  /** What sandboxes have in common that may be used one for the other, by whether the nursery's network is used; without it none is. */
  readonly keyOf?: (hasNetwork: boolean) => string;
}

interface Held {
  readonly nursery: Nursery;
  cgroup: RunCgroup | null;
  limits: Limits | null;
  /** The first whose run it had; undefined before that. Only theirs may use its network: a socket can be handed out of a run, and outlives it. */
  owner: number | null | undefined;
  /** The sandbox that it holds. */
  warm: WarmSandbox | null;
  idleSince: number;
  /** Its groups are giving back what the last run has left in memory. */
  clearing: Promise<void> | null;
}

/** So long may a run wait for what another one has left in memory, which a slow disk may still have to write. */
const mostClearingMs = 100;
/** The nursery and its guard. */
const nurseryPids = 2;
/** To spawn one takes as much of a core as the start that took the last one; a burst is served first. */
const refillAfterMs = 100;
/** The rest is for other owners, who would have to wait for the end of a sandbox. */
const withoutSandbox = 2;
/** In times that one may wait. A sandbox that was used all the time would keep what the machine has changed since: name servers, certificates. */
const largestAge = 6;

/** Nurseries that wait for runs, each in control groups that are used again: neither a fork of ours nor a move between groups comes with a start. */
export class Nurseries {
  /** Whether sandboxes serve several runs. */
  readonly keeping: Keeping;
  readonly #options: NurseriesOptions;
  readonly #idle: Held[] = [];
  readonly #all = new Set<Held>();
  #made = 0;
  #madeGroups = 0;
  #refill: NodeJS.Timeout | null = null;
  #cooling: NodeJS.Timeout | null = null;
  readonly #work = new Set<Promise<unknown>>();
  #isClosed = false;

  /** What their sandboxes stand on. */
  get root(): RunRoot {
    return this.#options.root;
  }

  /** None is made before the first run. */
  constructor(options: NurseriesOptions) {
    this.#options = options;
    const { cgroups, freshGroups = false, place } = options;
    // Groups have to count anew for each run, and processes at all; the root of runs is there for root only; and only the filter keeps runs
    // from what shows nowhere.
    const counts = cgroups?.parents.version === 1 && cgroups.parents.folders.pids !== undefined && !freshGroups;
    this.keeping = new Keeping(counts && place.network !== null && place.seccompFile !== null, options.log);
  }

  /** @throws when none can be made. */
  async lease(request: LeaseRequest): Promise<LeasedNursery> {
    for (let held = this.#takeIdle(request); held !== undefined; held = this.#takeIdle(request)) {
      // Later it does no harm but to the peak that is told.
      if (held.clearing !== null) await Promise.race([held.clearing, delay(mostClearingMs, undefined, { ref: false })]);
      if (!(await this.#suits(held, request))) this.#inBackground(this.#discard(held));
      else if (this.#limit(held, request.limits)) return this.#leased(held, request.owner);
    }
    const held = await this.#make();
    if (!this.#limit(held, request.limits)) throw new Error("a new control group took no limits");
    return this.#leased(held, request.owner);
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
    const hasNetwork = this.#hasNetwork(held, owner);
    if (held.owner === undefined) held.owner = owner;
    const adopt = (warm: WarmSandbox): void => {
      this.keeping.worked();
      held.warm = warm;
    };
    return { nursery: held.nursery, cgroup: held.cgroup, hasNetwork, warm: held.warm, adopt, release: () => this.#inBackground(this.#takeBack(held)) };
  }

  #hasNetwork(held: Held, owner: number | null): boolean {
    return this.#options.place.network !== null && (held.owner === undefined || held.owner === owner);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of [this.#refill, this.#cooling]) if (timer !== null) clearTimeout(timer);
    await Promise.allSettled(this.#work);
    await Promise.all([...this.#all].map((held) => this.#discard(held)));
    rmSync(this.#options.place.folder, { recursive: true, force: true });
  }

  /** The best for this run: one with a sandbox for it, one that this owner has used, or nobody yet, or another; with somebody else's sandbox last. */
  #takeIdle(request: LeaseRequest): Held | undefined {
    const { owner } = request;
    const preferences: readonly ((held: Held) => boolean)[] = [
      (held) => this.#fits(held, request),
      (held) => held.warm === null && held.owner === owner,
      (held) => held.warm === null && held.owner === undefined,
      (held) => held.warm === null,
    ];
    for (const prefers of preferences) {
      const index = this.#idle.findLastIndex(prefers);
      if (index >= 0) return this.#idle.splice(index, 1)[0];
    }
    // To end a sandbox that may be wanted again is worth it only when there are nurseries enough.
    return this.#all.size < this.#options.idle ? undefined : this.#idle.shift();
  }

  #fits(held: Held, { owner, keyOf }: LeaseRequest): boolean {
    return held.warm !== null && keyOf !== undefined && held.warm.isFit && held.warm.key === keyOf(this.#hasNetwork(held, owner));
  }

  /** Makes room for another sandbox where one stands; false when the nursery is of no use any more. */
  async #suits(held: Held, request: LeaseRequest): Promise<boolean> {
    if (this.#fits(held, request)) return true;
    await this.#cool(held);
    return held.nursery.isIdle;
  }

  async #cool(held: Held): Promise<void> {
    const { warm } = held;
    held.warm = null;
    await warm?.close();
  }

  async #make(): Promise<Held> {
    const { place, cgroups } = this.#options;
    this.#made += 1;
    const held: Held = { nursery: new Nursery({ ...place, folder: join(place.folder, String(this.#made)) }), ...unused };
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
    if (this.#isClosed || this.#idle.length >= this.#options.idle) return this.#discard(held);
    if (held.warm !== null && !this.#mayServe(held.warm)) await this.#cool(held);
    if (held.warm === null && !held.nursery.isIdle) return this.#discard(held);
    try {
      await this.#renew(held);
    } catch (error) {
      await this.#discard(held);
      throw error;
    }
    // It may have been closed meanwhile.
    if (this.#isClosed) return this.#discard(held);
    held.idleSince = performance.now();
    this.#idle.push(held);
    if (held.warm === null) return;
    this.#coolLater(this.#options.idleSandboxMs);
    const warm = this.#idle.filter((other) => other.warm !== null);
    // The one that was used last stays.
    if (warm.length > Math.max(1, this.#options.idle - withoutSandbox)) this.#coolIdle(warm.slice(0, 1));
  }

  #mayServe(warm: WarmSandbox): boolean {
    return warm.isFit && performance.now() - warm.bornAt < this.#options.idleSandboxMs * largestAge;
  }

  #coolIdle(old: readonly Held[]): void {
    for (const held of old) this.#idle.splice(this.#idle.indexOf(held), 1);
    for (const held of old) this.#inBackground(this.#cool(held).then(() => this.#takeBack(held)));
  }

  /** Ends sandboxes that nobody has used for a while. No clock runs when there is none. */
  #coolLater(ms: number): void {
    if (this.#isClosed || this.#cooling !== null) return;
    this.#cooling = setTimeout(() => {
      this.#cooling = null;
      const now = performance.now();
      const leftMs = (held: Held): number => held.idleSince + this.#options.idleSandboxMs - now;
      this.#coolIdle(this.#idle.filter((held) => held.warm !== null && leftMs(held) <= 0));
      const next = Math.min(...this.#idle.flatMap((held) => (held.warm === null ? [] : [leftMs(held)])));
      if (Number.isFinite(next)) this.#coolLater(Math.max(next, 1));
    }, ms).unref();
  }

  /** Moves a nursery into new groups where the old ones cannot count for another run. */
  async #renew(held: Held): Promise<void> {
    const { cgroups, freshGroups = false } = this.#options;
    const { nursery, cgroup } = held;
    if (cgroups === null || cgroup === null || nursery.pid === undefined) return;
    if (cgroup.countsAnew && !freshGroups) {
      held.clearing =
        cgroup.clear()?.finally(() => {
          held.clearing = null;
        }) ?? null;
      return;
    }
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
    // To remove a group in the middle of that would halt us until it is done.
    await held.clearing;
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

const unused: Omit<Held, "nursery"> = { cgroup: null, limits: null, owner: undefined, warm: null, idleSince: 0, clearing: null };

function sameLimits(held: Limits | null, asked: Limits): boolean {
  return held !== null && held.cpu === asked.cpu && held.memoryBytes === asked.memoryBytes && held.pids === asked.pids;
}
