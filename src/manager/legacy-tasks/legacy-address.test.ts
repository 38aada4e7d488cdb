import { describe, expect, it } from "vitest";
import { legacyAddress, monthOf, parseDay, parseUid } from "./legacy-address.ts";

describe("an address of the original", () => {
  it.each([
    ["/task/", { kind: "index" }],
    ["/task/create", { kind: "create" }],
    ["/task/create?x=1", { kind: "create" }],
    ["/task/create/", { kind: "nothing" }],
    ["/task/charts/daily", { kind: "daily-chart" }],
    ["/task/charts/disk", { kind: "disk-chart" }],
    ["/task/charts/disk/", { kind: "nothing" }],
    ["/task/view/pk:1", { kind: "by-id", digits: "1" }],
    ["/task/view/pk%3A0012", { kind: "by-id", digits: "0012" }],
    ["/task/view/pk:", { kind: "nothing" }],
    ["/task/view/pk:-1", { kind: "nothing" }],
    ["/task/view/pk:1a", { kind: "nothing" }],
    ["/task/view/pk:1/count", { kind: "nothing" }],
    ["/task/view/uid:x%20y", { kind: "by-uid", text: "x y" }],
    ["/task/view/uid:a%2Fb", { kind: "nothing" }],
    ["/task/view/uid:", { kind: "nothing" }],
    ["/task/view/date:today", { kind: "day", date: "today", isCount: false }],
    ["/task/view/date:20181223/count", { kind: "day", date: "20181223", isCount: true }],
    ["/task/view/date:20181223/count/", { kind: "nothing" }],
    ["/task/view/date:/count", { kind: "nothing" }],
    ["/task/view", { kind: "nothing" }],
    ["/task/__proto__", { kind: "nothing" }],
    ["/task/%E0%A4%A", { kind: "nothing" }],
  ])("%s", (address, expected) => {
    expect(legacyAddress(address)).toEqual(expected);
  });
});

describe("a uid", () => {
  const uid = "604a5e38-06f9-11e9-a0e9-0242ac140004";
  it.each([uid, uid.toUpperCase(), uid.replaceAll("-", ""), `{${uid}}`, `urn:uuid:${uid}`, "604a-5e3806f911e9a0e90242ac1400-04", `{urn:uuid:${uid}}`])(
    "may be written %s",
    (text) => {
      expect(parseUid(text)).toBe(uid);
    },
  );
  it.each(["xyz", "", uid.slice(1), `${uid}0`, `g${uid.slice(1)}`, "<img src=x onerror=alert(1)>", ` ${uid}`])("is not %s", (text) => {
    expect(parseUid(text)).toBeNull();
  });
});

describe("a day", () => {
  const day = (text: string, now = new Date("2026-06-15T12:00:00Z")): string | null => {
    const found = parseDay(text, now);
    return found === null ? null : `${found.from.toISOString()}/${(found.until.getTime() - found.from.getTime()) / 3_600_000}`;
  };

  // Each checked with Python's datetime.strptime(text, '%Y%m%d').
  it.each([
    ["20181223", "2018-12-23"],
    ["2018123", "2018-12-03"],
    ["201811", "2018-01-01"],
    ["2019011", "2019-01-01"],
    ["20240229", "2024-02-29"],
    ["201812 3", "2018-12-03"],
    ["20181 3", "2018-01-03"],
    ["00010101", "0001-01-01"],
    ["00991231", "0099-12-31"],
    ["99991231", "9999-12-31"],
  ])("is %s, read as Python reads it", (text, date) => {
    expect(day(text)).toBe(`${date}T00:00:00.000Z/24`);
  });

  it.each([
    "2018-12-23",
    "20181301",
    "20181232",
    "20190229",
    "20180431",
    "00000101",
    "",
    "   ",
    "Today",
    "20181223 ",
    " 20181223",
    "2018",
    "201812231",
    "٢٠١٨١٢٢٣x",
  ])("is not %j", (text) => {
    expect(day(text)).toBeNull();
  });

  it("called today is the UTC day on every day of the year, those of January too", () => {
    for (let at = Date.UTC(2026, 0, 1, 23, 59); at < Date.UTC(2027, 0, 1); at += 86_400_000) {
      const date = new Date(at).toISOString().slice(0, 10);
      expect(day("today", new Date(at))).toBe(`${date}T00:00:00.000Z/24`);
    }
  });
});

describe("the month", () => {
  it.each([
    ["2026-02-28T23:59:59Z", 28],
    ["2028-02-29T00:00:00Z", 29],
    ["2026-04-01T00:00:00Z", 30],
    ["2026-12-31T23:59:59Z", 31],
  ])("around %s has %i days", (now, days) => {
    const { from, until } = monthOf(new Date(now));
    expect((until.getTime() - from.getTime()) / 86_400_000).toBe(days);
    expect(from.toISOString()).toBe(`${now.slice(0, 7)}-01T00:00:00.000Z`);
  });
});
