import { randomUUID } from "node:crypto";
import { Failure } from "#contract/failure.ts";
import type { Clock, SteadyClock } from "#kit/clock.ts";
import type { EpochTable } from "#kit/epochs.ts";
import type { Log } from "#kit/log.ts";
import { requireSpec, type SiteShelf } from "#orchestrator/files/site-shelf.ts";
import type { EnteredProgram, EnterRequest } from "#orchestrator/runtime/enter.ts";
import type { SiteRuntime } from "#orchestrator/runtime/site-runtime.ts";

/** What everybody who enters a site needs. */
export interface TerminalHost {
  readonly sites: SiteShelf;
  readonly runtime: Pick<SiteRuntime, "enter">;
  readonly epochs: EpochTable;
  /** For moments that people see. */
  readonly clock: Clock;
  /** For how long something lasts. */
  readonly steady: SteadyClock;
  readonly log: Log;
  /** Whether the site may write more. @throws {Failure} `quota_exceeded`. */
  readonly checkRoom: (siteId: number) => Promise<void>;
  /** Somebody was in this site: its files may be others now. */
  readonly onSiteChanged: (siteId: number) => void;
  readonly limits: TerminalLimits;
}

export interface TerminalLimits {
  /** After so long without anything typed or shown a terminal closes. */
  readonly idleMs: number;
  /** After so long it closes whatever happens. */
  readonly mostMs: number;
  readonly perSite: number;
  readonly perPerson: number;
  /** Commands and shells of SSH at the same time, per site. */
  readonly execPerSite: number;
  /** How much of what was shown is kept for those who come back. */
  readonly scrollBackBytes: number;
}

/** Whether somebody may enter a site now. @throws {Failure} */
export async function demandEntry(host: TerminalHost, siteId: number): Promise<void> {
  const spec = requireSpec(host.sites, siteId);
  // Administrators look into what they have disabled with other means: nothing runs in it.
  if (spec.availability === "disabled") throw new Failure("site_disabled");
  await host.checkRoom(siteId);
}

/** Enters a site. @throws {Failure} */
export async function enterSite(host: TerminalHost, siteId: number, asked: Pick<EnterRequest, "command" | "size" | "environment">): Promise<EnteredProgram> {
  await demandEntry(host, siteId);
  const spec = requireSpec(host.sites, siteId);
  const program = await host.runtime.enter({ ...asked, key: randomUUID(), spec, folder: host.sites.folderOf(siteId) });
  void program.exited.then(() => host.onSiteChanged(siteId));
  // Disabled or removed while it started: nobody has ended it.
  const now = host.sites.specOf(siteId);
  if (now !== undefined && now.availability !== "disabled") return program;
  await program.end(0);
  throw new Failure(now === undefined ? "site_not_found" : "site_disabled");
}
