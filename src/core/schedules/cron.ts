import { Cron, CronPattern } from "croner";
import { Failure } from "#contract/failure.ts";

/** The least time between two runs of a schedule; what falls due more often is a service, not a task. */
export const leastIntervalSeconds = 10;

/** The moments at which an expression falls due in a time zone. */
export interface CronMoments {
  /** The first moment after this one; null when there is none any more. */
  after(moment: Date): Date | null;
  /** The newest moments up to and including this one, oldest first. */
  upTo(moment: Date, limit: number): readonly Date[];
}

/** Croner also takes a date, which is a moment and no plan, and nicknames of events that nobody here hears (`@reboot`). */
const nicknames = /^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$/i;

/**
 * Reads an expression of five fields, of six with seconds first, or a nickname. When clocks go back, what names one hour and minute runs
 * once, at the first of the two moments, and what repeats (`*`, `/`) runs at both. When clocks go forward, the former runs right after the
 * gap, on the same day, and the latter leaves the gap out.
 * @throws {Failure} `cron_invalid`, `time_zone_unknown`.
 */
export function parseCron(expression: string, timeZone: string): CronMoments {
  demandTimeZone(timeZone);
  const text = expression.trim();
  const fields = text.split(/\s+/);
  if (!nicknames.test(text) && fields.length !== 5 && fields.length !== 6) {
    throw new Failure("cron_invalid", { reason: `it has ${fields.length === 1 ? "one field" : `${fields.length} fields`}, and not five or six` });
  }
  const cron = translate(() => {
    demandPause(new CronPattern(text, timeZone));
    // Vixie cron's rule, which people know: a list of hours names its moments as a single hour does.
    return new Cron(text, { paused: true, timezone: timeZone, mode: "5-or-6-parts", fixedTimeRule: "no-wildcard" });
  });
  return {
    after: (moment) => cron.nextRun(moment),
    // Croner looks for what lies before its reference; a millisecond later this moment itself is among that.
    upTo: (moment, limit) => cron.previousRuns(limit, new Date(moment.getTime() + 1)).reverse(),
  };
}

/** The next moments, at most so many. */
export function nextMoments(moments: CronMoments, from: Date, count: number): readonly Date[] {
  const found: Date[] = [];
  for (let next = moments.after(from); next !== null && found.length < count; next = moments.after(next)) found.push(next);
  return found;
}

/** @throws {Failure} `time_zone_unknown`: not a name of the IANA database; an offset (`+01:00`) is none, as it knows no summer. */
function demandTimeZone(timeZone: string): void {
  try {
    if (!/^[A-Za-z]/.test(timeZone)) throw new RangeError("an offset");
    new Intl.DateTimeFormat("en", { timeZone });
  } catch (error) {
    throw new Failure("time_zone_unknown", { timeZone }, { cause: error });
  }
}

/** Judged by the seconds alone, round the minute: exact for what runs in adjacent minutes, and strict for what does not. */
function demandPause(pattern: CronPattern): void {
  const seconds = pattern.second.flatMap((isOn, second) => (isOn === 1 ? [second] : []));
  for (const [index, second] of seconds.entries()) {
    const following = seconds[index + 1] ?? (seconds[0] ?? 0) + 60;
    if (following - second < leastIntervalSeconds) {
      throw new Failure("cron_invalid", { reason: `its seconds lie less than ${leastIntervalSeconds} apart, and it may not run more often than that` });
    }
  }
}

/** What Croner refuses, it says well, after its class's name. */
function translate<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Failure || !(error instanceof TypeError || error instanceof RangeError)) throw error;
    const reason = error.message.replace(/^Cron\w*: /, "").replace(/\.$/, "");
    throw new Failure("cron_invalid", { reason }, { cause: error });
  }
}
