import { describe, expect, it } from "vitest";
import { drawChart, niceScale, readable } from "./chart.ts";
import { dailyPage, diskPage } from "./chart-page.ts";
import { monthOf } from "./legacy-address.ts";

describe("a scale", () => {
  it.each([
    [0, 1, { from: 0, to: 1, step: 1 }],
    [0, 4, { from: 0, to: 4, step: 1 }],
    [0, 23, { from: 0, to: 25, step: 5 }],
    [0, 10_000, { from: 0, to: 10_000, step: 2000 }],
    [3_196_296, 3_196_336, { from: 3_196_290, to: 3_196_340, step: 10 }],
    [7, 7, { from: 7, to: 8, step: 1 }],
    [Infinity, -Infinity, { from: 0, to: 1, step: 1 }],
  ])("for %d to %d has round numbers", (least, most, expected) => {
    expect(niceScale(least, most)).toEqual(expected);
  });
  it("has few lines, whatever the numbers", () => {
    for (let most = 1; most < 1e15; most = Math.ceil(most * 1.7)) {
      const { from, to, step } = niceScale(0, most);
      expect((to - from) / step).toBeLessThanOrEqual(6);
      expect(to).toBeGreaterThanOrEqual(most);
    }
  });
});

describe("a chart", () => {
  it("draws a column for each day, from the ground to its value", () => {
    const svg = drawChart({
      shape: "columns",
      days: 2,
      title: "Two days",
      points: [
        { at: 0.25, value: 0, label: "none" },
        { at: 0.75, value: 5, label: "five" },
      ],
    });
    expect(svg.match(/<rect .*<\/rect>/g)).toEqual([
      '<rect class="mark" x="154.4" y="300" width="321.1" height="0" rx="2"><title>none</title></rect>',
      '<rect class="mark" x="600.4" y="16" width="321.1" height="284" rx="2"><title>five</title></rect>',
    ]);
    expect(svg.match(/text-anchor="middle">\d+</g)).toEqual(['text-anchor="middle">1<', 'text-anchor="middle">2<']);
  });

  it("draws a line through what was measured", () => {
    const points = [
      { at: 0, value: 100, label: "a" },
      { at: 0.5, value: 150, label: "b" },
      { at: 1, value: 100, label: "c" },
    ];
    const svg = drawChart({ shape: "line", days: 30, title: "Disk", points });
    expect(svg).toContain('<polyline class="line" points="92,300 538,16 984,300"/>');
    expect(svg.match(/<circle/g)).toHaveLength(3);
  });

  it("has no number that is none, also without any point", () => {
    for (const shape of ["columns", "line"] as const) expect(drawChart({ shape, days: 28, title: "Empty", points: [] })).not.toMatch(/NaN|Infinity/);
    expect(drawChart({ shape: "line", days: 28, title: "One", points: [{ at: 0.5, value: 8, label: "x" }] })).not.toMatch(/NaN|Infinity/);
  });
});

describe("a page of charts", () => {
  const month = monthOf(new Date("2026-11-22T02:00:00Z"));
  it("says in words and in a table what the chart shows", () => {
    const page = dailyPage(
      month,
      new Map([
        ["2026-11-03", 1],
        ["2026-11-22", 1200],
      ]),
    );
    expect(page).toContain("<p>November 2026: 1\u202f201 tasks, by the UTC day on which they were created.</p>");
    expect(page).toContain('<tr><th scope="row">2026-11-22</th><td>1\u202f200</td></tr>');
    expect(page).toContain("<title>2026-11-03: 1 task</title>");
  });
  it("keeps within the month what ended after it, and says when there is nothing", () => {
    const late = { id: 7, at: new Date("2026-12-01T05:00:00Z"), freeBytes: 4096 };
    expect(diskPage(month, [late])).toContain('<circle class="mark" cx="984"');
    expect(diskPage(month, [])).toContain("November 2026: no task has ended yet.");
  });
});

describe("a readable number", () => {
  it.each([
    [0, "0"],
    [999, "999"],
    [1000, "1\u202f000"],
    [1234567, "1\u202f234\u202f567"],
  ])("%d is %s", (value, text) => {
    expect(readable(value)).toBe(text);
  });
});
