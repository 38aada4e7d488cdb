import { Failure } from "#contract/failure.ts";
import type { SiteSpec } from "#contract/site-spec.ts";
import { codeOf } from "#kit/jail/descriptor.ts";
import type { FileOwner } from "#kit/jail/jail.ts";
import type { LeftInstance } from "#orchestrator/runtime/site-runtime.ts";
import { Lanes } from "./lane.ts";
import type { ToldPlacement } from "./placement-fence.ts";
import type { RunnerDeps } from "./runner-deps.ts";
import type { SiteFolders } from "./site-folders.ts";
import { SiteLog } from "./site-log.ts";
import { SiteRunner } from "./site-runner.ts";
import type { SpecStore } from "./spec-store.ts";
import type { SiteStatusEvent, StatusBoard } from "./status-board.ts";
import { isAtRest, mayRun } from "./visible-status.ts";

export interface HeldSitesDeps extends Omit<RunnerDeps, "log" | "folder" | "onStatus" | "checkRoom"> {
  /** @throws {Failure} when a site's files have outgrown it. */
  readonly checkRoom: (siteId: number) => Promise<void>;
  /** Programs that an earlier orchestrator left running. */
  readonly leftPrograms?: readonly LeftInstance[];
  readonly specs: SpecStore;
  readonly folders: SiteFolders;
  readonly board: StatusBoard;
  /** Folder of all sites' logs. */
  readonly logFolder: string;
  /** Ends the tasks that run in a site, and says in their record why. */
  readonly endRuns: (siteId: number, why: string) => Promise<void>;
  /** Null where the platform cannot give files away. */
  readonly ownerOf: (siteId: number) => FileOwner | null;
  /** Deletes what others keep of a site beside its files. */
  readonly forget: (siteId: number) => Promise<void>;
  /** Notes that the site is this orchestrator's now. @throws {Failure} `site_moved` when it is another's by now. */
  readonly take: (spec: SiteSpec) => Promise<void>;
  /** A site is held that was not: what its earlier holder left unfinished is brought to its end. */
  readonly onHeld: (siteId: number) => Promise<void>;
  /** Another orchestrator has it: ends what looks at it here and forgets what is in memory, nothing on shared storage. */
  readonly letGo: (siteId: number) => Promise<void>;
}

/** When the orchestrator itself is asked to end, it has two seconds for everything. */
const closingGraceMs = 1_000;
/** What was left running by the orchestrator before and that nobody could take charge of by then will not be wanted. */
const takeChargeMs = 60_000;

interface Held {
  readonly runner: SiteRunner;
  readonly log: SiteLog;
  /** As it was applied last: a leave that came to its end half way has no specification any more. */
  readonly placement: number | undefined;
}

/** Every site that this orchestrator holds. */
export class HeldSites {
  readonly #deps: HeldSitesDeps;
  readonly #held = new Map<number, Held>();
  // A site's specification and its removal come one after the other.
  readonly #lanes = new Lanes<number>();
  /** Sites whose programs may have written since that was last asked. */
  readonly #wereActive = new Set<number>();
  #isClosed = false;

  constructor(deps: HeldSitesDeps) {
    this.#deps = deps;
    const left = takenFrom(deps.leftPrograms ?? [], deps.specs);
    for (const spec of deps.specs.all()) this.#hold(spec, left.get(spec.siteId));
    this.#dropOthers(left);
  }

  /** Makes the folders, remembers the specification unless a newer one is known, and stops what may not run any more. */
  apply(spec: SiteSpec): Promise<void> {
    return this.#lanes.run(spec.siteId, async () => {
      if (this.#isClosed) throw new Failure("not_ready");
      await this.#deps.folders.make(spec.siteId, this.#deps.ownerOf(spec.siteId)).catch((cause: unknown) => this.#stopAnyway(spec, cause));
      await this.#deps.take(spec);
      const valid = await this.#deps.specs.put(spec).catch((cause: unknown) => this.#stopAnyway(spec, cause));
      const held = this.#held.get(spec.siteId);
      if (held === undefined) await this.#deps.onHeld(spec.siteId);
      // A removal that failed half way leaves a runner that will not run again.
      if (held === undefined || held.runner.hasEnded) this.#hold(valid);
      else {
        this.#held.set(spec.siteId, { ...held, placement: valid.placement });
        await held.runner.apply(valid);
      }
      await this.#deps.runtime.describe?.(valid);
      if (valid.availability === "disabled") await this.#deps.endRuns(spec.siteId, "The site was disabled.");
    });
  }

  /** Stops the site's program and deletes everything of it. The stored specification goes last: a removal that was cut short is seen after a crash. */
  remove(siteId: number): Promise<void> {
    return this.#lanes.run(siteId, async () => {
      // From now on nothing starts, and nobody writes what would be left behind.
      this.#deps.specs.withdraw(siteId);
      const held = this.#held.get(siteId);
      await Promise.all([held?.runner.end("site_being_deleted"), this.#deps.endRuns(siteId, "The site was deleted.")]);
      await this.#deps.folders.remove(siteId);
      await this.#deps.forget(siteId);
      await (held?.log ?? this.#logOf(siteId)).delete();
      await this.#deps.specs.delete(siteId);
      this.#held.delete(siteId);
    });
  }

  /**
   * Another orchestrator is responsible since this placement: the program stops, and everything is forgotten but the files. Nothing happens when
   * the site has come back since.
   */
  leave(siteId: number, { placement, graceMs }: { readonly placement: number; readonly graceMs?: number }): Promise<void> {
    return this.#lanes.run(siteId, async () => {
      const held = this.#held.get(siteId);
      const known = this.#deps.specs.get(siteId) ?? held;
      if (known === undefined || (known.placement ?? 0) >= placement) return;
      this.#deps.specs.withdraw(siteId);
      // What an earlier orchestrator left running and nobody may take charge of any more would run on for a minute.
      await Promise.all([held?.runner.end("not_ready", graceMs), this.#deps.runtime.lasting?.drop(siteId)]);
      await this.#deps.letGo(siteId);
      await held?.log.close();
      await this.#deps.specs.delete(siteId);
      this.#held.delete(siteId);
    });
  }

  /** Sites that were to go from here and have not gone whole, as they were placed last. */
  halfGone(): readonly ToldPlacement[] {
    return [...this.#held].flatMap(([siteId, { placement }]) => (this.#deps.specs.get(siteId) === undefined ? [{ siteId, placement }] : []));
  }

  /** @throws {Failure} `site_not_found` */
  runnerOf(siteId: number): SiteRunner {
    return this.#find(siteId).runner;
  }

  /** Undefined: it is not held here. */
  heldRunnerOf(siteId: number): SiteRunner | undefined {
    return this.#held.get(siteId)?.runner;
  }

  /** @throws {Failure} `site_not_found` */
  logOf(siteId: number): SiteLog {
    return this.#find(siteId).log;
  }

  all(): readonly (SiteStatusEvent & { readonly revision: number })[] {
    return this.#deps.specs.all().flatMap((spec) => {
      const held = this.#held.get(spec.siteId);
      return held === undefined ? [] : [{ siteId: spec.siteId, revision: spec.revision, status: held.runner.status }];
    });
  }

  /** Statuses of the sites that are doing something. */
  active(): readonly SiteStatusEvent[] {
    return this.all().filter(({ siteId, status }) => {
      const spec = this.#deps.specs.get(siteId);
      return spec !== undefined && !isAtRest(spec, status.state);
    });
  }

  /** Sites whose programs may write now, or may have since this was last asked: one that never listens, or ends soon, fills a disk as well. */
  takeActiveSites(): readonly number[] {
    const active = [...this.#held].flatMap(([siteId, { runner }]) => (runner.isActive ? [siteId] : []));
    const all = [...new Set([...this.#wereActive, ...active])];
    this.#wereActive.clear();
    // What runs now may end before the next time.
    for (const siteId of active) this.#wereActive.add(siteId);
    return all;
  }

  /** Stops every program and writes every log out. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const graceMs = Math.min(this.#deps.graceMs, closingGraceMs);
    const { lasting } = this.#deps.runtime;
    const closeLogs = (): Promise<unknown> => Promise.all([...this.#held.values()].map(({ log }) => log.close()));
    await lasting?.leave();
    // What goes on was not stopped: nothing is said of it.
    if (lasting !== undefined) await closeLogs();
    await Promise.all([...this.#held.values()].map(({ runner }) => runner.end("not_ready", graceMs)));
    await closeLogs();
  }

  /** Neither a full disk nor what it did to its folders keeps a program going that may not run any more: whoever applies this tries the rest again. */
  async #stopAnyway(spec: SiteSpec, cause: unknown): Promise<never> {
    if (!mayRun(spec) && spec.revision >= (this.#deps.specs.get(spec.siteId)?.revision ?? 0)) {
      await this.#held.get(spec.siteId)?.runner.apply(spec);
      if (spec.availability === "disabled") await this.#deps.endRuns(spec.siteId, "The site was disabled.");
    }
    return fullDisk(cause);
  }

  /** Ends what was left of sites that are not held here or may not run; and later what nobody could take charge of. */
  #dropOthers(taken: ReadonlyMap<number, string>): void {
    const { lasting } = this.#deps.runtime;
    if (lasting === undefined) return;
    const unwanted = (this.#deps.leftPrograms ?? []).filter(({ siteId }) => !taken.has(siteId));
    // What cannot be ended now is tried again with the rest.
    for (const { siteId } of unwanted) void lasting.drop(siteId).catch(() => undefined);
    // From then on the runtime goes on trying by itself.
    setTimeout(() => void lasting.drop().catch(() => undefined), takeChargeMs).unref();
  }

  #find(siteId: number): Held {
    const held = this.#held.get(siteId);
    if (held === undefined) throw new Failure("site_not_found");
    return held;
  }

  #hold(spec: SiteSpec, left?: string): void {
    const { siteId } = spec;
    const log = this.#logOf(siteId);
    const onStatus = (status: SiteStatusEvent["status"]): void => this.#deps.board.announce({ siteId, status });
    // Every start asks this first.
    const checkRoom = (): Promise<void> => {
      this.#wereActive.add(siteId);
      return this.#deps.checkRoom(siteId);
    };
    const runner = new SiteRunner({ ...this.#deps, left, checkRoom, log, onStatus, folder: this.#deps.folders.folderOf(siteId) }, spec);
    this.#held.set(siteId, { runner, log, placement: spec.placement });
  }

  #logOf(siteId: number): SiteLog {
    return new SiteLog({ folder: `${this.#deps.logFolder}/${siteId}`, clock: this.#deps.clock });
  }
}

/** The newest program of each site that is held and may run. */
function takenFrom(left: readonly LeftInstance[], specs: SpecStore): ReadonlyMap<number, string> {
  const taken = new Map<number, string>();
  for (const { siteId, instance } of left) {
    const spec = specs.get(siteId);
    if (spec !== undefined && mayRun(spec) && !taken.has(siteId)) taken.set(siteId, instance);
  }
  return taken;
}

function fullDisk(cause: unknown): never {
  if (codeOf(cause) === "ENOSPC" || codeOf(cause) === "EDQUOT") throw new Failure("disk_full", {}, { cause });
  throw cause;
}
