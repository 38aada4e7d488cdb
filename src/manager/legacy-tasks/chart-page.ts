import { createHash } from "node:crypto";
import { drawChart, readable } from "./chart.ts";
import type { Period } from "./legacy-address.ts";

const dayMs = 86_400_000;

const style = `
:root { color-scheme: light dark; --ink: #1b1f24; --quiet: #59636e; --paper: #fff; --grid: #d9dee3; --mark: #0b6bcb; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --quiet: #9aa4ae; --paper: #14181c; --grid: #323a42; --mark: #6cb2ff; } }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 64rem; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.5rem; line-height: 1.25; }
p { margin: .25rem 0 1.25rem; color: var(--quiet); }
.chart { overflow-x: auto; }
svg { display: block; width: 100%; min-width: 56rem; height: auto; }
.grid { stroke: var(--grid); }
.tick { fill: var(--quiet); font: 13px system-ui, sans-serif; font-variant-numeric: tabular-nums; }
.mark { fill: var(--mark); }
.line { fill: none; stroke: var(--mark); stroke-width: 2; stroke-linejoin: round; }
table { margin-top: 1.5rem; border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: start; font-weight: 600; padding-bottom: .25rem; }
th, td { padding: .2rem 1.5rem .2rem 0; border-bottom: 1px solid var(--grid); text-align: end; }
th:first-child, td:first-child { text-align: start; }
thead th { color: var(--quiet); font-weight: 500; }
tbody th { font-weight: 400; }
a { color: var(--mark); }
nav { margin-top: 1.5rem; }
`;

/** Nothing is loaded from anywhere, and nothing runs: the page's one style sheet is allowed by its hash. */
export const chartPagePolicy = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`;

/** The page with the number of tasks on each day of a month. */
export function dailyPage(month: Period, counts: ReadonlyMap<string, number>): string {
  const days = daysOf(month).map((date, index) => ({ date, at: (index + 0.5) / lengthOf(month), count: counts.get(date) ?? 0 }));
  const total = days.reduce((sum, day) => sum + day.count, 0);
  const points = days.map(({ date, at, count }) => ({ at, value: count, label: `${date}: ${tasks(count)}` }));
  return page({
    title: "Daily Task Count Data This Month",
    summary: `${nameOf(month)}: ${tasks(total)}, by the UTC day on which they were created.`,
    chart: drawChart({ shape: "columns", points, days: days.length, title: `Tasks on each day of ${nameOf(month)}` }),
    table: { caption: "Tasks per day", heads: ["Day", "Tasks"], rows: days.map(({ date, count }) => [date, readable(count)]) },
    other: ["disk", "Disk Space Remaining This Month"],
  });
}

/** Free space after one task. */
export interface FreeSpace {
  readonly id: number;
  readonly at: Date;
  readonly freeBytes: number;
}

/** The page with the free space after each task of a month, in KiB as the original counts. */
export function diskPage(month: Period, measured: readonly FreeSpace[]): string {
  const rows = measured.map(({ id, at, freeBytes }) => ({ id, at, kib: Math.floor(freeBytes / 1024) }));
  const span = month.until.getTime() - month.from.getTime();
  const points = rows.map(({ id, at, kib }) => ({
    // A task of the last evening may have ended in the next month.
    at: Math.min(Math.max((at.getTime() - month.from.getTime()) / span, 0), 1),
    value: kib,
    label: `Task ${id}, ${minuteOf(at)}: ${readable(kib)} KiB`,
  }));
  return page({
    title: "Disk Space Remaining This Month",
    summary: `${nameOf(month)}: ${rows.length === 0 ? "no task has ended yet." : "free space in the home folder after each task, in KiB."}`,
    chart: drawChart({ shape: "line", points, days: lengthOf(month), title: `Free disk space in ${nameOf(month)}` }),
    table: {
      caption: "Free space after each task",
      heads: ["Task", "Ended (UTC)", "Free KiB"],
      rows: rows.map(({ id, at, kib }) => [String(id), minuteOf(at), readable(kib)]),
    },
    other: ["daily", "Daily Task Count Data This Month"],
  });
}

interface Page {
  readonly title: string;
  readonly summary: string;
  readonly chart: string;
  readonly table: { readonly caption: string; readonly heads: readonly string[]; readonly rows: readonly (readonly string[])[] };
  readonly other: readonly [path: string, title: string];
}

// Only numbers, dates and words of this file stand in it: there is nothing to escape.
function page({ title, summary, chart, table, other }: Page): string {
  const heads = table.heads.map((head) => `<th scope="col">${head}</th>`).join("");
  const rows = table.rows.map(([first = "", ...cells]) => `<tr><th scope="row">${first}</th>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p>${summary}</p>
<div class="chart" tabindex="0" role="region" aria-label="Chart">
${chart}
</div>
<table>
<caption>${table.caption}</caption>
<thead><tr>${heads}</tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table>
</main>
<nav><a href="${other[0]}">${other[1]}</a></nav>
</body>
</html>
`;
}

function daysOf(month: Period): readonly string[] {
  return Array.from({ length: lengthOf(month) }, (_, index) => new Date(month.from.getTime() + index * dayMs).toISOString().slice(0, 10));
}

function lengthOf(month: Period): number {
  return Math.round((month.until.getTime() - month.from.getTime()) / dayMs);
}

function nameOf(month: Period): string {
  return month.from.toLocaleDateString("en-GB", { month: "long", year: "numeric", timeZone: "UTC" });
}

function minuteOf(at: Date): string {
  return at.toISOString().slice(0, 16).replace("T", " ");
}

function tasks(count: number): string {
  return `${readable(count)} ${count === 1 ? "task" : "tasks"}`;
}
