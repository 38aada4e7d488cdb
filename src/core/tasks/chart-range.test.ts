import { expect, test } from "vitest";
import { chartRange } from "./chart-range.ts";

const now = new Date("2026-11-30T23:30:00Z");

test("a chart begins with the month and ends with today, both in its time zone", () => {
  expect(chartRange({ timeZone: "UTC" }, now)).toEqual({
    since: "2026-11-01",
    until: "2026-12-01",
    from: new Date("2026-11-01T00:00:00Z"),
    to: new Date("2026-12-01T00:00:00Z"),
  });
  expect(chartRange({ timeZone: "Europe/Berlin" }, now)).toMatchObject({ since: "2026-12-01", until: "2026-12-02", from: new Date("2026-11-30T23:00:00Z") });
});

test.for([
  ["Europe/Berlin", "2026-07-01", "2026-06-30T22:00:00Z"],
  ["Pacific/Kiritimati", "2026-01-01", "2025-12-31T10:00:00Z"],
  ["Etc/GMT+12", "2026-01-01", "2026-01-01T12:00:00Z"],
  ["Asia/Kathmandu", "2026-01-01", "2025-12-31T18:15:00Z"],
  // The clocks went from 23:59:59 to 01:00:00.
  ["America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"],
] as const)("in %s the day %s begins at %s", ([timeZone, since, from]) => {
  expect(chartRange({ timeZone, since, until: "2026-12-31".replace("2026", since.slice(0, 4)) }, now).from).toEqual(new Date(from));
});

test.for([
  [{ timeZone: "Mars/Olympus" }, "time_zone_unknown"],
  [{ timeZone: "+02:00" }, "time_zone_unknown"],
  [{ timeZone: "" }, "time_zone_unknown"],
  [{ timeZone: "UTC", since: "2026-01-01", until: "2026-01-01" }, "input_invalid"],
  [{ timeZone: "UTC", since: "2020-01-01", until: "2026-01-01" }, "input_invalid"],
  [{ timeZone: "UTC", since: "0000-01-01", until: "0000-01-02" }, "input_invalid"],
] as const)("%o is refused with %s", ([asked, code]) => {
  expect(() => chartRange(asked, now)).toThrow(expect.objectContaining({ code }));
});
