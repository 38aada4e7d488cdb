import { Failure } from "#contract/failure.ts";

/** Longest time of a chart, in days. */
const maxDays = 400;
const dayMs = 86_400_000;

/** The days of a chart, as dates of its time zone and as moments. */
export interface ChartRange {
  /** `YYYY-MM-DD`. */
  readonly since: string;
  /** The day after the last one. */
  readonly until: string;
  readonly from: Date;
  readonly to: Date;
}

/**
 * From the first of this month to today, in the asked time zone, unless other days are asked for.
 * @throws {Failure} `time_zone_unknown`, `input_invalid`.
 */
export function chartRange(
  asked: { readonly since?: string | undefined; readonly until?: string | undefined; readonly timeZone: string },
  now: Date,
): ChartRange {
  const { timeZone } = asked;
  if (!isTimeZone(timeZone)) throw new Failure("time_zone_unknown", { timeZone });
  const today = dateIn(timeZone, now);
  const since = asked.since ?? `${today.slice(0, 8)}01`;
  const until = asked.until ?? plusDays(today, 1);
  if (since < "1970-01-01") throw new Failure("input_invalid", { detail: "since: not before 1970." });
  const days = (Date.parse(until) - Date.parse(since)) / dayMs;
  if (days < 1 || days > maxDays) throw new Failure("input_invalid", { detail: `until: has to be 1 to ${maxDays} days after since.` });
  return { since, until, from: startOfDay(since, timeZone), to: startOfDay(until, timeZone) };
}

/** A name of the IANA database. Not an offset such as `+02:00`: PostgreSQL reads its sign the other way round. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

function plusDays(date: string, days: number): string {
  return new Date(Date.parse(date) + days * dayMs).toISOString().slice(0, 10);
}

function dateIn(timeZone: string, at: Date): string {
  return wallClock(timeZone, at).slice(0, 10);
}

/** The first moment of a day. Where the clocks skip midnight, the first moment that there is. */
function startOfDay(date: string, timeZone: string): Date {
  const asUtc = Date.parse(date);
  // No zone is further than 14 hours ahead; from there the first moment at which the clock shows this day is looked for.
  let before = asUtc - 15 * 3_600_000;
  let after = asUtc + 13 * 3_600_000;
  while (after - before > 1_000) {
    const middle = Math.floor((before + after) / 2_000) * 1_000;
    if (dateIn(timeZone, new Date(middle)) < date) before = middle;
    else after = middle;
  }
  return new Date(after);
}

/** `YYYY-MM-DD…` as a clock on the wall shows it. */
function wallClock(timeZone: string, at: Date): string {
  // Sweden writes dates as ISO 8601 does.
  return at.toLocaleString("sv-SE", { timeZone });
}
