import { expect, it } from "vitest";
import { Failure } from "#contract/failure.ts";
import { type Trouble, TroubleReport, troubleLimits } from "./trouble-report.ts";

const own: Trouble = { method: "GET", path: "/a", status: 500, failure: null };
function reporting(): { readonly report: TroubleReport; readonly told: [number, readonly string[]][] } {
  const told: [number, readonly string[]][] = [];
  const report = new TroubleReport(async (siteId, lines) => void told.push([siteId, lines]));
  return { report, told };
}

it("the first trouble of a site is told at once, the next ones together, and what is too much as a number", () => {
  const { report, told } = reporting();
  for (let number = 0; number < 100; number += 1) report.note(7, { ...own, path: `/${number}` });
  report.note(8, { ...own, failure: new Failure("site_too_slow", { seconds: 3 }), status: 504 });
  expect(told).toEqual([
    [7, ["500 GET /0: the program's own answer"]],
    [8, ["504 GET /a: The site's program did not answer within 3 seconds. Try again; look into its log if that happens again."]],
  ]);
  report.flush();
  expect(told.slice(2)).toEqual([[7, [...[1, 2, 3, 4].map((number) => `500 GET /${number}: the program's own answer`), "… and 95 more like these"]]]);
  report.flush();
  expect(told).toHaveLength(3);
});

it("what is not the program's doing is not told, and paths are cut", () => {
  const { report, told } = reporting();
  report.note(7, { ...own, status: 503, failure: new Failure("site_asleep") });
  report.note(7, { ...own, path: `/${"x".repeat(5_000)}` });
  report.flush();
  expect(told.map(([, [line = ""]]) => line.length)).toEqual(["500 GET : the program's own answer".length + troubleLimits.pathLength + 1]);
});

it("only so many sites are remembered at a time", () => {
  const { report, told } = reporting();
  for (let siteId = 1; siteId <= troubleLimits.sites + 50; siteId += 1) report.note(siteId, own);
  expect(told).toHaveLength(troubleLimits.sites);
  report.flush();
});
