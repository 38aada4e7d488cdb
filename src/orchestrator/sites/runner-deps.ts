import type { SiteStatus } from "#contract/site.ts";
import type { BackOffPolicy } from "./back-off.ts";
import type { BootDeps } from "./boot-instance.ts";
import type { Later } from "./later.ts";
import type { SiteLog } from "./site-log.ts";
import type { StartGate } from "./start-gate.ts";

/** What a site's runner needs of the world. */
export interface RunnerDeps extends BootDeps {
  readonly gate: StartGate;
  readonly backOff: BackOffPolicy;
  readonly log: SiteLog;
  readonly folder: string;
  /** A program that came back by itself goes to sleep after this long unless somebody has asked for it. */
  readonly unvisitedMs: number;
  /** By the machine's clock unless a test gives another. */
  readonly later?: Later;
  /** The key of a program that an earlier orchestrator left running: it is started under that key, which takes charge of it. */
  readonly left?: string | undefined;
  /** @throws {Failure} when the site's files have outgrown it. */
  readonly checkRoom: () => Promise<void>;
  /** A key for an instance that nobody named, unlike every other of the site. */
  readonly newInstance: () => string;
  readonly onStatus: (status: SiteStatus) => void;
}
