import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { Failure } from "#contract/failure.ts";
import type { SteadyClock } from "#kit/clock.ts";
import { codeOf } from "#kit/jail/descriptor.ts";
import { writeDurably } from "./write-durably.ts";

const placed = z.object({ placement: z.int().nonnegative(), node: z.string(), isTakenOver: z.boolean() });

/** A placement as an orchestrator was told. */
export interface ToldPlacement {
  readonly siteId: number;
  /** Absent: 0, never moved. */
  readonly placement?: number | undefined;
  readonly isTakenOver?: boolean | undefined;
}

/** What the fence needs. */
export interface PlacementFenceDeps {
  /** On the storage that all orchestrators share, closed to sites; null where nothing is shared: then nothing is fenced. */
  readonly folder: string | null;
  /** The id of this orchestrator. */
  readonly node: string;
  readonly clock: SteadyClock;
  /** How long a program that is taken over is not started, for the one before to see that: longer than it looks and stops. */
  readonly waitMs: number;
}

/**
 * Keeps a site from running twice on shared files. Whoever becomes responsible writes so beside the files; whoever was, reads it there before
 * every start and every second, even when nobody can reach it any more to tell it. One that cannot read it cannot write the site's files either.
 */
export class PlacementFence {
  readonly #deps: PlacementFenceDeps;
  readonly #startableAt = new Map<number, number>();

  private constructor(deps: PlacementFenceDeps) {
    this.#deps = deps;
  }

  /** Makes its folder if it is not there. */
  static async open(deps: PlacementFenceDeps): Promise<PlacementFence> {
    if (deps.folder !== null) await mkdir(deps.folder, { recursive: true, mode: 0o700 });
    return new PlacementFence(deps);
  }

  /** Notes that this orchestrator is responsible. @throws {Failure} `site_moved` when another has become so since. */
  async take(told: ToldPlacement): Promise<void> {
    const { folder, node, clock, waitMs } = this.#deps;
    const placement = told.placement ?? 0;
    if (folder === null || placement === 0) return;
    const known = await this.#read(told.siteId);
    if (known !== null && known.placement === placement && known.node === node) return;
    if (known !== null && known.placement >= placement) throw new Failure("site_moved");
    await writeDurably(this.#file(folder, told.siteId), JSON.stringify({ placement, node, isTakenOver: told.isTakenOver === true }));
    if (told.isTakenOver === true) this.#startableAt.set(told.siteId, clock.now() + waitMs);
  }

  /** Answers when a program of the site may be started here. @throws {Failure} `site_moved` when another orchestrator is responsible by now. */
  async demand(told: ToldPlacement): Promise<void> {
    const { folder, clock } = this.#deps;
    if (folder === null) return;
    const waitMs = (this.#startableAt.get(told.siteId) ?? 0) - clock.now();
    if (waitMs > 0) await delay(waitMs);
    this.#startableAt.delete(told.siteId);
    if ((await this.look(told)) !== "ours") throw new Failure("site_moved");
  }

  /** Whose the site is by now: what was given away in order goes on here until it is told to leave, what was taken over must not. */
  async look(told: ToldPlacement): Promise<"ours" | "given away" | "taken over"> {
    if (this.#deps.folder === null) return "ours";
    const known = await this.#read(told.siteId);
    if (known === null || known.placement <= (told.placement ?? 0)) return "ours";
    return known.isTakenOver ? "taken over" : "given away";
  }

  /** The site is gone. */
  async forget(siteId: number): Promise<void> {
    if (this.#deps.folder !== null) await rm(this.#file(this.#deps.folder, siteId), { force: true });
  }

  async #read(siteId: number): Promise<z.output<typeof placed> | null> {
    if (this.#deps.folder === null) return null;
    try {
      return placed.parse(JSON.parse(await readFile(this.#file(this.#deps.folder, siteId), "utf8")));
    } catch (error) {
      if (codeOf(error) === "ENOENT") return null;
      throw error;
    }
  }

  #file(folder: string, siteId: number): string {
    return join(folder, String(siteId));
  }
}
