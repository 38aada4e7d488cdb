import { describe, expect, it } from "vitest";
import { nextMoments, parseCron } from "./cron.ts";

/** The next moments after one, all in ISO 8601. */
function momentsAfter(from: string, cron: string, timeZone = "Europe/Berlin", count = 3): readonly string[] {
  return nextMoments(parseCron(cron, timeZone), new Date(from), count).map((moment) => moment.toISOString().replace(":00.000Z", "Z"));
}

describe("the moments of an expression", () => {
  it.each([
    ["five fields", "30 5 * * 1", "2026-11-22T00:00Z", ["2026-11-23T04:30Z", "2026-11-30T04:30Z", "2026-12-07T04:30Z"]],
    ["names", "0 12 * JAN MON-WED", "2026-12-31T00:00Z", ["2027-01-04T11:00Z", "2027-01-05T11:00Z", "2027-01-06T11:00Z"]],
    ["a nickname", "@daily", "2026-11-22T12:00Z", ["2026-11-22T23:00Z", "2026-11-23T23:00Z", "2026-11-24T23:00Z"]],
    ["the last day of a month", "0 0 L * *", "2026-01-15T00:00Z", ["2026-01-30T23:00Z", "2026-02-27T23:00Z", "2026-03-30T22:00Z"]],
    ["the 29th of February", "0 12 29 2 *", "2026-01-01T00:00Z", ["2028-02-29T11:00Z", "2032-02-29T11:00Z", "2036-02-29T11:00Z"]],
    ["the 31st, where there is one", "0 12 31 * *", "2026-03-31T12:00Z", ["2026-05-31T10:00Z", "2026-07-31T10:00Z", "2026-08-31T10:00Z"]],
    ["the last Friday", "0 12 * * FRI#L", "2026-11-01T00:00Z", ["2026-11-27T11:00Z", "2026-12-25T11:00Z", "2027-01-29T11:00Z"]],
    ["day of month or weekday", "0 12 1 * MON", "2026-11-22T00:00Z", ["2026-11-23T11:00Z", "2026-11-30T11:00Z", "2026-12-01T11:00Z"]],
    ["the fifth Sunday of February", "0 12 * FEB SUN#5", "2026-11-22T00:00Z", ["2032-02-29T11:00Z", "2060-02-29T11:00Z", "2088-02-29T11:00Z"]],
    ["the working day nearest to the 31st", "0 12 31W * *", "2027-01-01T00:00Z", ["2027-01-29T11:00Z", "2027-03-31T10:00Z", "2027-05-31T10:00Z"]],
    ["new year", "0 0 1 1 *", "2026-12-31T22:59Z", ["2026-12-31T23:00Z", "2027-12-31T23:00Z", "2028-12-31T23:00Z"]],
    ["the 29th of February across 2100", "0 0 29 2 *", "2096-02-29T12:00Z", ["2104-02-28T23:00Z", "2108-02-28T23:00Z", "2112-02-28T23:00Z"]],
    ["both Sundays, 0 and 7", "0 12 * * 7", "2026-11-22T12:00Z", ["2026-11-29T11:00Z", "2026-12-06T11:00Z", "2026-12-13T11:00Z"]],
  ])("are those of %s", (_, cron, from, moments) => {
    expect(momentsAfter(from, cron)).toEqual(moments);
  });

  it("can be seconds, with six fields", () => {
    expect(momentsAfter("2026-11-22T00:00:05Z", "*/20 * * * * *")).toEqual(["2026-11-22T00:00:20.000Z", "2026-11-22T00:00:40.000Z", "2026-11-22T00:01Z"]);
  });

  it("are after the given one, never that one itself", () => {
    expect(momentsAfter("2026-11-22T12:00:00.000Z", "0 * * * *", "UTC", 1)).toEqual(["2026-11-22T13:00Z"]);
    expect(momentsAfter("2026-11-22T11:59:59.999Z", "0 * * * *", "UTC", 1)).toEqual(["2026-11-22T12:00Z"]);
  });

  it("can be looked at backwards, this moment included", () => {
    const noon = new Date("2026-11-22T12:00:00Z");
    const upTo = (moment: Date, limit: number) =>
      parseCron("0 * * * *", "UTC")
        .upTo(moment, limit)
        .map((past) => past.toISOString().slice(11, 16));
    expect(upTo(noon, 3)).toEqual(["10:00", "11:00", "12:00"]);
    expect(upTo(new Date(noon.getTime() - 1), 2)).toEqual(["10:00", "11:00"]);
    expect(upTo(new Date(noon.getTime() + 1), 1)).toEqual(["12:00"]);
  });
});

// Berlin goes forward on 29 March 2026 at 01:00 UTC (02:00 becomes 03:00), back on 25 October at 01:00 UTC (03:00 becomes 02:00);
// New York forward on 8 March at 07:00 UTC, back on 1 November at 06:00 UTC.
describe("when clocks change", () => {
  it.each([
    ["a moment that does not exist runs right after the gap", "30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", ["2026-03-29T01:00Z", "2026-03-30T00:30Z"]],
    ["the same in New York", "30 2 * * *", "America/New_York", "2026-03-07T12:00Z", ["2026-03-08T07:00Z", "2026-03-09T06:30Z"]],
    ["a list of hours counts as so many moments", "30 2,14 * * *", "Europe/Berlin", "2026-03-29T00:00Z", ["2026-03-29T01:00Z", "2026-03-29T12:30Z"]],
    ["what repeats leaves the gap out", "*/30 * * * *", "Europe/Berlin", "2026-03-29T00:00Z", ["2026-03-29T00:30Z", "2026-03-29T01:00Z"]],
    [
      "what repeats within the gap's hour only is left out on that day",
      "*/30 2 * * *",
      "Europe/Berlin",
      "2026-03-28T01:30Z",
      ["2026-03-30T00:00Z", "2026-03-30T00:30Z"],
    ],
    ["a moment that exists twice runs once, the first time", "30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", ["2026-10-25T00:30Z", "2026-10-26T01:30Z"]],
    ["the same in New York", "30 1 * * *", "America/New_York", "2026-10-31T12:00Z", ["2026-11-01T05:30Z", "2026-11-02T06:30Z"]],
    ["what repeats goes on through the hour that comes twice", "0 * * * *", "Europe/Berlin", "2026-10-24T23:30Z", ["2026-10-25T00:00Z", "2026-10-25T01:00Z"]],
    ["a day begins at its own midnight", "@daily", "Europe/Berlin", "2026-03-28T12:00Z", ["2026-03-28T23:00Z", "2026-03-29T22:00Z"]],
    ["where midnight does not exist the day begins after it", "0 0 * * *", "America/Santiago", "2026-09-05T12:00Z", ["2026-09-06T04:00Z", "2026-09-07T03:00Z"]],
  ])("%s", (_, cron, timeZone, from, moments) => {
    expect(momentsAfter(from, cron, timeZone, 2)).toEqual(moments);
  });

  it.each(["30 2 * * *", "*/30 * * * *", "0 1-3 * * *", "15,45 2 * * 0"])("%s is the same looked at forwards and backwards", (cron) => {
    for (const [from, until] of [["2026-03-27T00:00Z", "2026-04-01T00:00Z"] as const, ["2026-10-23T00:00Z", "2026-10-28T00:00Z"] as const]) {
      const moments = parseCron(cron, "Europe/Berlin");
      const forwards: Date[] = [];
      for (let next = moments.after(new Date(from)); next !== null && next <= new Date(until); next = moments.after(next)) forwards.push(next);
      expect(forwards.length).toBeGreaterThan(0);
      expect(moments.upTo(new Date(until), forwards.length)).toEqual(forwards);
    }
  });
});

describe("an expression that makes no sense", () => {
  it.each([
    ["", "one field"],
    ["* * * *", "4 fields"],
    ["* * * * * * 2030", "7 fields"],
    ["2026-01-01T00:00:00", "one field"],
    ["@reboot", "one field"],
    ["60 * * * *", "minute: 60"],
    ["a b c d e", "illegal characters"],
    ["/10 * * * *", "not allowed"],
    ["0 0 * * 8", "dayOfWeek: 8"],
    ["0 0 * FOO *", "illegal characters"],
    ["0 0 8-31 * +0#1,1#1,2#1", "a plus sign"],
    ["0 0 1 * +MON", "a plus sign"],
  ])("%j is refused with the reason", (cron, reason) => {
    expect(() => parseCron(cron, "UTC")).toThrow(expect.objectContaining({ code: "cron_invalid", message: expect.stringContaining(reason) }));
  });

  it.each(["* * * * * *", "*/5 * * * * *", "0,9 * * * * *", "5,58 * * * * *"])("%s is more often than every ten seconds", (cron) => {
    expect(() => parseCron(cron, "UTC")).toThrow(expect.objectContaining({ code: "cron_invalid", message: expect.stringContaining("less than 10 apart") }));
  });

  it.each(["*/10 * * * * *", "0 * * * * *", "5,15,55 * * * * *"])("%s is not", (cron) => {
    expect(parseCron(cron, "UTC").after(new Date())).toBeInstanceOf(Date);
  });

  it("that names a day which never comes has no moment", () => {
    expect(parseCron("0 0 30 2 *", "UTC").after(new Date("2026-01-01"))).toBeNull();
    expect(parseCron("0 0 30 2 *", "UTC").upTo(new Date("2026-01-01"), 100)).toEqual([]);
  });

  it.each(["0 0 31 2,4,6,9,11 *", "0 0 30,31W 2 *", "0 0 30 FEB ?"])("%s names only days which never come", (cron) => {
    expect(parseCron(cron, "UTC").after(new Date("2026-01-01"))).toBeNull();
  });

  // Each of these moments is left out, every year, and Croner alone would look through a thousand years: seconds of a processor.
  it.each(["*/10 * 2 * 3 SUN#L", "* 2 * 3 SUN#L", "*/10 * 2 * 3 SUN#5"])("%s lies in the gap of summer time only, and costs little", (cron) => {
    const startedAt = process.cpuUsage();
    expect(parseCron(cron, "Europe/Berlin").after(new Date("2026-11-23"))).toBeNull();
    expect(process.cpuUsage(startedAt).user / 1000).toBeLessThan(2_000);
  });

  it.each(["Europe/Bielefeld", "+01:00", "", "a\0b", "local time"])("the time zone %j is not known", (timeZone) => {
    expect(() => parseCron("0 0 * * *", timeZone)).toThrow(expect.objectContaining({ code: "time_zone_unknown", details: { timeZone } }));
  });
});
