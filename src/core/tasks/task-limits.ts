import { Failure } from "#contract/failure.ts";
import type { SiteLimits } from "#contract/site.ts";
import { defaultRunLimits, type RetryPolicy, type RetryWish, type RunLimits, retryPolicy, type ScriptManual } from "#contract/task.ts";

/** What decides about a task's limits. */
export interface LimitsQuestion {
  /** Of the script; empty for a command. */
  readonly manual: ScriptManual;
  /** As the request says; absent when it does not. */
  readonly timeoutSeconds: number | undefined;
  /** Null for the home folder. */
  readonly siteLimits: SiteLimits | null;
  readonly isAdministrator: boolean;
}

/**
 * What a task may use. In a site never more than the site itself, whatever a manual says: its members write the manuals.
 * @throws {Failure} `input_invalid` when a member asks for more time than members have.
 */
export function limitsFor({ manual, timeoutSeconds, siteLimits, isAdministrator }: LimitsQuestion): RunLimits {
  const asked = msOf(timeoutSeconds);
  const mostMs = isAdministrator ? Number.POSITIVE_INFINITY : defaultRunLimits.timeoutMs;
  if (asked !== undefined && asked > mostMs) {
    throw new Failure("input_invalid", { detail: `timeoutSeconds: at most ${mostMs / 1000}; only administrators may give a task longer.` });
  }
  // A manual that asks for more does not stop anyone: the task gets what it can have.
  const timeoutMs = asked ?? Math.min(msOf(manual.timeoutSeconds) ?? defaultRunLimits.timeoutMs, mostMs);
  const wished = manual.limits ?? {};
  if (siteLimits === null) return { ...defaultRunLimits, ...defined(wished), timeoutMs };
  const { cpu, memoryBytes, pids } = siteLimits;
  const limits = { ...defaultRunLimits, cpu, memoryBytes, pids, ...defined(wished), timeoutMs };
  // Output lies outside the site's own space.
  return withinSite({ ...limits, outputBytes: Math.min(limits.outputBytes, defaultRunLimits.outputBytes) }, siteLimits);
}

/** Never more than its site has now, whatever was allowed before; null for the home folder, which has no limits of its own. */
export function withinSite(limits: RunLimits, site: SiteLimits | null): RunLimits {
  if (site === null) return limits;
  return {
    ...limits,
    cpu: Math.min(limits.cpu, site.cpu),
    memoryBytes: Math.min(limits.memoryBytes, site.memoryBytes),
    pids: Math.min(limits.pids, site.pids),
  };
}

/**
 * Who goes first. Above 0 is for administrators: everybody's tasks wait in one queue.
 * @throws {Failure} `input_invalid` when a member asks for more.
 */
export function priorityFor(question: { readonly asked: number | undefined; readonly manual: ScriptManual; readonly isAdministrator: boolean }): number {
  const { asked, manual, isAdministrator } = question;
  if (!isAdministrator && asked !== undefined && asked > 0) {
    throw new Failure("input_invalid", { detail: "priority: at most 0; only administrators may let a task go before others." });
  }
  return lowerPriority(asked ?? manual.priority ?? 0, isAdministrator);
}

const mostAheadDays = 366;

/**
 * Not before when it is to be started; a moment that has passed is as good as now: the store takes it for due.
 * @throws {Failure} `input_invalid` when that is so far ahead that it would only take the room of others.
 */
export function startFor({ asked, now }: { readonly asked: string | undefined; readonly now: Date }): Date | null {
  if (asked === undefined) return null;
  const runAt = new Date(asked);
  if (runAt.getTime() - now.getTime() <= mostAheadDays * 86_400_000) return runAt;
  throw new Failure("input_invalid", { detail: "runAt: at most a year ahead. Give an earlier moment, queue the task nearer to it, or make a schedule." });
}

/** The priority of a task that is run again by someone else. */
export function lowerPriority(priority: number, isAdministrator: boolean): number {
  return isAdministrator ? priority : Math.min(priority, 0);
}

/** The limits of a task that is run again by someone else, or after the site's limits fell. */
export function lowered(limits: RunLimits, siteLimits: SiteLimits | null, isAdministrator: boolean): RunLimits {
  const timeoutMs = isAdministrator ? limits.timeoutMs : Math.min(limits.timeoutMs, defaultRunLimits.timeoutMs);
  return withinSite({ ...limits, timeoutMs }, siteLimits);
}

/** How a task is tried again. Whether a lost run may be repeated is the script's own word, where it has one: only its author knows what it does. */
export function retryFor(manual: ScriptManual, wish: RetryWish | undefined): RetryPolicy {
  const own = manual.retry ?? retryPolicy.parse({});
  return {
    retries: wish?.retries ?? own.retries,
    delaySeconds: wish?.delaySeconds ?? own.delaySeconds,
    onLost: manual.retry === undefined ? (wish?.onLost ?? own.onLost) : own.onLost,
  };
}

function msOf(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : Math.round(seconds * 1000);
}

type Wished = NonNullable<ScriptManual["limits"]>;

/** Without the fields that are there but undefined: they would hide the defaults. */
function defined(wished: Wished): Partial<RunLimits> {
  return Object.fromEntries(Object.entries(wished).filter(([, value]) => value !== undefined));
}
