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
 * gap, on the same day, and the latter leaves the gap out. No expression costs more than some hundredths of a second a moment.
 * @throws {Failure} `cron_invalid`, `time_zone_unknown`.
 */
export function parseCron(expression: string, timeZone: string): CronMoments {
  const zone = knownTimeZone(timeZone);
  const text = expression.trim();
  const fields = text.split(/\s+/);
  if (!nicknames.test(text) && fields.length !== 5 && fields.length !== 6) {
    throw new Failure("cron_invalid", { reason: `it has ${fields.length === 1 ? "one field" : `${fields.length} fields`}, and not five or six` });
  }
  if (text.includes("+")) throw new Failure("cron_invalid", { reason: "a plus sign (day of month and weekday at once) is not known here" });
  return translate(() => {
    const pattern = new CronPattern(text, zone);
    demandPause(pattern);
    return {
      after: forwards(pattern, zone),
      // Croner looks for what lies before its reference; a millisecond later this moment itself is among that.
      upTo: (moment, limit) => new Cron(text, { ...rules, timezone: zone, mode: "5-or-6-parts" }).previousRuns(limit, new Date(moment.getTime() + 1)).reverse(),
    };
  });
}

/** Vixie cron's rule, which people know: a list of hours names its moments as a single hour does. */
const rules = { paused: true, fixedTimeRule: "no-wildcard" } as const;

/** Further than any time zone is from UTC. */
const widestOffsetMs = 24 * 60 * 60 * 1000;
/** So many years with such moments are looked through: where all of them fall into gaps of the clock (`* 2 * 3 SUN#L` in Berlin), none ever comes. */
const mostYears = 3;

/** Looks for the next moment in years that have one by the calendar, which costs little, and there by the time zone, which Croner would do for a thousand years. */
function forwards(pattern: CronPattern, zone: string): (moment: Date) => Date | null {
  // Without a nickname.
  const text = pattern.pattern;
  const calendar = new Cron(text, { ...rules, utcOffset: 0, mode: "5-or-6-parts" });
  let held: { readonly year: number; readonly cron: Cron } | undefined;
  const within = (year: number): Cron => {
    const fields = text.split(/\s+/).length === 5 ? `0 ${text}` : text;
    if (held?.year !== year) held = { year, cron: new Cron(`${fields} ${year}`, { ...rules, timezone: zone, mode: "7-part" }) };
    return held.cron;
  };
  return (moment) => {
    let from = new Date(moment.getTime() - widestOffsetMs);
    for (let years = 0; years < mostYears; years += 1) {
      const year = calendar.nextRun(from)?.getUTCFullYear();
      if (year === undefined) return null;
      const next = within(year).nextRun(moment);
      if (next !== null) return next;
      from = new Date(Date.UTC(year, 11, 31, 23, 59, 59));
    }
    return null;
  };
}

/** The next moments, at most so many. */
export function nextMoments(moments: CronMoments, from: Date, count: number): readonly Date[] {
  const found: Date[] = [];
  for (let last = from; found.length < count; ) {
    const next = moments.after(last);
    if (next === null) break;
    found.push(next);
    last = next;
  }
  return found;
}

/**
 * The zone by its one name: Croner keeps something for each way to write it (`europe/BERLIN`) for good.
 * @throws {Failure} `time_zone_unknown`: not a name of the IANA database; an offset (`+01:00`) is none, as it knows no summer.
 */
function knownTimeZone(timeZone: string): string {
  try {
    if (!/^[A-Za-z]/.test(timeZone)) throw new RangeError("an offset");
    return new Intl.DateTimeFormat("en", { timeZone }).resolvedOptions().timeZone;
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
