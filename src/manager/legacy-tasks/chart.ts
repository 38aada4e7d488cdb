/** One mark of a chart. */
export interface ChartPoint {
  /** From 0 at the left to 1 at the right. */
  readonly at: number;
  readonly value: number;
  /** What a person who points at it is told. */
  readonly label: string;
}

/** A chart over the days of a month. */
export interface Chart {
  readonly shape: "columns" | "line";
  readonly points: readonly ChartPoint[];
  /** How many days the month has; they stand below the chart. */
  readonly days: number;
  readonly title: string;
}

const size = { width: 1000, height: 340 };
const plot = { left: 92, right: 984, top: 16, bottom: 300 };

/** Draws a chart as SVG; colours come from the page by classes. */
export function drawChart(chart: Chart): string {
  const values = chart.points.map((point) => point.value);
  const scale = chart.shape === "columns" ? niceScale(0, Math.max(...values, 1)) : niceScale(Math.min(...values), Math.max(...values));
  const y = (value: number): number => plot.bottom - ((value - scale.from) / (scale.to - scale.from)) * (plot.bottom - plot.top);
  const marks = chart.shape === "columns" ? columns(chart, y) : line(chart, y);
  return [
    `<svg viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${chart.title}">`,
    ...axisY(scale, y),
    ...axisX(chart.days),
    ...marks,
    "</svg>",
  ].join("\n");
}

/** Whole numbers that people like, around what has to be shown. */
export interface Scale {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

/** A scale of whole numbers in steps of 1, 2 or 5 times a power of ten, with at most about six lines. */
export function niceScale(least: number, most: number): Scale {
  if (!Number.isFinite(least) || !Number.isFinite(most)) return { from: 0, to: 1, step: 1 };
  const rough = Math.max((most - least) / 5, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const from = Math.floor(least / step) * step;
  const to = Math.ceil(most / step) * step;
  return { from, to: to === from ? from + step : to, step };
}

/** A whole number with thin gaps between thousands. */
export function readable(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

function axisY(scale: Scale, y: (value: number) => number): readonly string[] {
  const lines: string[] = [];
  for (let value = scale.from; value <= scale.to; value += scale.step) {
    const at = round(y(value));
    lines.push(`<line class="grid" x1="${plot.left}" x2="${plot.right}" y1="${at}" y2="${at}"/>`);
    lines.push(`<text class="tick" x="${plot.left - 10}" y="${at + 4}" text-anchor="end">${readable(value)}</text>`);
  }
  return lines;
}

function axisX(days: number): readonly string[] {
  const width = (plot.right - plot.left) / days;
  return Array.from({ length: days }, (_, index) => {
    const at = round(plot.left + width * (index + 0.5));
    return `<text class="tick" x="${at}" y="${plot.bottom + 22}" text-anchor="middle">${index + 1}</text>`;
  });
}

function columns(chart: Chart, y: (value: number) => number): readonly string[] {
  const width = ((plot.right - plot.left) / chart.days) * 0.72;
  return chart.points.map(({ at, value, label }) => {
    const top = round(y(value));
    const left = round(plot.left + at * (plot.right - plot.left) - width / 2);
    return `<rect class="mark" x="${left}" y="${top}" width="${round(width)}" height="${round(plot.bottom - top)}" rx="2"><title>${label}</title></rect>`;
  });
}

function line(chart: Chart, y: (value: number) => number): readonly string[] {
  const places = chart.points.map((point) => ({ ...point, x: round(plot.left + point.at * (plot.right - plot.left)), y: round(y(point.value)) }));
  const dots = places.map((place) => `<circle class="mark" cx="${place.x}" cy="${place.y}" r="4"><title>${place.label}</title></circle>`);
  return [`<polyline class="line" points="${places.map((place) => `${place.x},${place.y}`).join(" ")}"/>`, ...dots];
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
