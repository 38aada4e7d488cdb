import { Failure } from "#contract/failure.ts";
import type { Seal } from "#kit/seal.ts";
import type { Actor } from "../accounts/user.ts";
import type { ActorSite } from "../sites/site.ts";
import type { SiteStore } from "../sites/site-store.ts";
import type { PlanTask } from "../tasks/plan-task.ts";
import { demandPlaceVerb } from "../tasks/task-place.ts";
import { parseCron } from "./cron.ts";
import { planRuns, type RunPlan } from "./plan-runs.ts";
import { runKey, runUid } from "./run-uid.ts";
import { openTask } from "./schedule-environment.ts";
import type { ClaimedSchedule, Firing, ScheduleQueue } from "./schedule-queue.ts";

/** What firing needs. */
export interface FireDeps {
  readonly queue: ScheduleQueue;
  readonly sites: Pick<SiteStore, "numberForActor">;
  readonly plan: PlanTask;
  readonly seal: Seal;
  readonly maxWaiting: number;
}

/** How a due schedule ended; `lost` when somebody else has it, or a person changed it meanwhile. */
export type FireOutcome =
  | { readonly kind: "fired"; readonly created: readonly string[] }
  | { readonly kind: "paused" | "postponed"; readonly problem: string }
  | { readonly kind: "lost" };

/** What a passing problem waits for. */
const againAfterMs = 10_000;
/** The database was away for a moment, and is back when this can be written: nobody has to be told. */
const databaseAgainAfterMs = 1_000;

/** Creates the tasks of a due schedule on behalf of whoever set it, or says why not. Killed at any point it leaves nothing half done. */
export async function fireSchedule(deps: FireDeps, claim: ClaimedSchedule): Promise<FireOutcome> {
  let plan: RunPlan;
  let authority: { readonly actor: Actor; readonly site: ActorSite | null };
  try {
    plan = planRuns(parseCron(claim.cron, claim.timeZone), claim);
    authority = await demandAuthority(deps, claim);
  } catch (error) {
    if (!(error instanceof Failure) || isPassing(error)) throw error;
    return pause(deps, claim, error.message);
  }
  try {
    const firing = await prepareFiring(deps, { ...authority, claim, plan });
    const done = await deps.queue.fire(claim, firing, { maxWaiting: deps.maxWaiting });
    return done === null ? { kind: "lost" } : { kind: "fired", created: done.created };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // Between asking for the right and writing, the site was disabled.
    if (!isPassing(error)) return pause(deps, claim, error.message);
    const isDatabase = error.code === "component_away" && error.details.component === "database";
    const again = isDatabase ? { afterMs: databaseAgainAfterMs, problem: claim.problem } : { afterMs: againAfterMs, problem: error.message };
    const isHeld = await deps.queue.release(claim, again);
    return isHeld ? { kind: "postponed", problem: error.message } : { kind: "lost" };
  }
}

/** What may be otherwise in a moment, without anybody changing the schedule. */
function isPassing(failure: Failure): boolean {
  return failure.status >= 500 || failure.code === "task_limit_reached" || failure.code === "site_being_deleted";
}

async function demandAuthority(deps: FireDeps, claim: ClaimedSchedule): Promise<{ readonly actor: Actor; readonly site: ActorSite | null }> {
  const { behalf } = claim;
  if (behalf === null) throw new Failure("schedule_without_person");
  if (!behalf.isActive) throw new Failure("schedule_person_inactive", { username: behalf.username });
  const actor: Actor = { user: behalf, scopes: ["full"], door: "api", address: null };
  const site = claim.site === null ? null : await deps.sites.numberForActor(actor, claim.site.id);
  const details = { username: behalf.username, place: claim.site === null ? "the home folder" : `the site ${claim.site.name}` };
  if (claim.site !== null && site === null) throw new Failure("schedule_right_lost", details);
  // Administrators keep every verb there, but nothing runs in it.
  if (site?.availability === "disabled") throw new Failure("site_disabled");
  try {
    demandPlaceVerb(actor, { actorSite: site }, "site.tasks");
  } catch (error) {
    if (error instanceof Failure) throw new Failure("schedule_right_lost", details, { cause: error });
    throw error;
  }
  return { actor, site };
}

interface Preparation {
  readonly actor: Actor;
  readonly site: ActorSite | null;
  readonly claim: ClaimedSchedule;
  readonly plan: RunPlan;
}

async function prepareFiring(deps: FireDeps, { actor, site, claim, plan }: Preparation): Promise<Firing> {
  const { moments, nextAt } = plan;
  if (moments.length === 0) return { tasks: [], nextAt, problem: null };
  try {
    const body = openTask(deps.seal, claim);
    // By the name that the site has now: it may have been renamed since the claim was read.
    const { task } = await deps.plan(actor, { body: site === null ? body : { ...body, site: site.name }, idempotencyKey: null });
    const tasks = moments.map((moment) => ({
      ...task,
      uid: runUid(claim.id, moment),
      idempotencyKey: runKey(claim.id, moment),
      scheduleId: claim.id,
      createdById: null,
      runAt: null,
    }));
    return { tasks, nextAt, problem: null };
  } catch (error) {
    // The script may be there again by the next moment: it is said, and the schedule goes on.
    if (error instanceof Failure && !isPassing(error)) return { tasks: [], nextAt, problem: error.message };
    throw error;
  }
}

async function pause(deps: FireDeps, claim: ClaimedSchedule, problem: string): Promise<FireOutcome> {
  const isHeld = await deps.queue.pause(claim, problem, {
    actorId: null,
    actorName: null,
    door: "system",
    address: null,
    action: "schedules.pause",
    siteId: claim.site?.id ?? null,
    siteName: claim.site?.name ?? null,
    details: { schedule: claim.id, name: claim.name, problem },
  });
  return isHeld ? { kind: "paused", problem } : { kind: "lost" };
}
