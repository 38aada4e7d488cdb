// A site's runner over a scripted runtime, in a temporary folder.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Failure } from "#contract/failure.ts";
import { defaultSiteLimits, type SiteStatus } from "#contract/site.ts";
import type { SiteSpec } from "#contract/site-spec.ts";
import { systemClock } from "#kit/clock.ts";
import type { BackOffPolicy } from "#orchestrator/sites/back-off.ts";
import { SiteLog } from "#orchestrator/sites/site-log.ts";
import { SiteRunner } from "#orchestrator/sites/site-runner.ts";
import { StartGate } from "#orchestrator/sites/start-gate.ts";
import { ManualTimers } from "./manual-timers.ts";
import { ScriptedRuntime } from "./scripted-runtime.ts";

export interface SiteRunnerStage extends AsyncDisposable {
  readonly folder: string;
  readonly runtime: ScriptedRuntime;
  readonly log: SiteLog;
  readonly statuses: SiteStatus[];
  /** Times until a program that has crashed comes back, and until it sleeps unless somebody asked for it. */
  readonly timers: ManualTimers;
  /** Thrown instead of a start: the site's files have outgrown it. */
  full: Failure | null;
  runner(given?: Partial<SiteSpec>, policy?: BackOffPolicy): SiteRunner;
}

export const quickBackOff: BackOffPolicy = { delaysMs: [20, 40, 1_000], wellAfterMs: 60_000, unseenCrashes: 3 };

export async function siteRunnerStage(): Promise<SiteRunnerStage> {
  const folder = await mkdtemp(join(tmpdir(), "backlot-runner-"));
  await writeFile(join(folder, "run.sh"), "exec a-server\n");
  const runtime = new ScriptedRuntime();
  const log = new SiteLog({ folder: join(folder, "log"), clock: systemClock });
  const statuses: SiteStatus[] = [];
  const timers = new ManualTimers();
  const stage: SiteRunnerStage = {
    folder,
    runtime,
    log,
    statuses,
    timers,
    full: null,
    runner: (given = {}, backOff = quickBackOff) => {
      let keys = 0;
      const checkRoom = async (): Promise<void> => {
        if (stage.full !== null) throw stage.full;
      };
      const newInstance = (): string => {
        keys += 1;
        return `wake-${keys}`;
      };
      return new SiteRunner(
        {
          runtime,
          clock: systemClock,
          bootTimeoutMs: 200,
          graceMs: 10,
          unvisitedMs: 100,
          later: (ms, act) => timers.after(ms, act),
          checkRoom,
          gate: new StartGate({ slots: 8, heldMs: 1_000 }),
          backOff,
          log,
          folder,
          newInstance,
          onStatus: (status) => statuses.push(status),
        },
        siteSpecOf(given),
      );
    },
    [Symbol.asyncDispose]: async () => {
      await log.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return stage;
}

export function siteSpecOf(given: Partial<SiteSpec> = {}): SiteSpec {
  return {
    siteId: 7,
    name: "foo",
    kind: "dynamic",
    availability: "enabled",
    limits: defaultSiteLimits,
    environment: {},
    timeZone: "UTC",
    canRunTwice: true,
    egress: "none",
    database: null,
    isTrusted: false,
    revision: 1,
    ...given,
  };
}
