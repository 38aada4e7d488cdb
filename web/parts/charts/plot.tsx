import { type ReactNode, useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

interface PlotProps {
  /** Read out instead of the picture. */
  readonly label: string;
  readonly heightPx?: number;
  readonly series: readonly PlotSeries[];
  /** Seconds since 1970, one for each value of each series. */
  readonly at: readonly number[];
  /** A value in words, for the axis and the legend. */
  readonly format: (value: number) => string;
  /** Bars for counts, lines for measures. */
  readonly kind: "bars" | "line";
  /** Each series stands on those before it. */
  readonly isStacked?: boolean;
}

export interface PlotSeries {
  readonly name: string;
  /** A role of the colour scheme: `--good`. */
  readonly colour: `--${string}`;
  readonly values: readonly (number | null)[];
}

const daySeconds = 86_400;
const hourSeconds = 3_600;
const dayName = new Intl.DateTimeFormat("en", { day: "numeric", month: "short" });
const clockName = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const momentName = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** A chart over time that fits its place and its colours to the page. */
export function Plot(props: PlotProps): ReactNode {
  const { label, heightPx = 220 } = props;
  const place = useRef<HTMLDivElement>(null);
  const shown = useRef(props);
  shown.current = props;
  // Pages draw anew for many reasons; the chart only when it shows something else.
  const drawing = JSON.stringify([props.at, props.series, props.kind, props.isStacked, heightPx]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the text stands for everything that is drawn.
  useEffect(() => {
    const host = place.current;
    if (host === null) return;
    const present = shown.current;
    let plot: uPlot | undefined;
    const draw = (): void => {
      plot?.destroy();
      plot = new uPlot(optionsOf(present, { width: Math.max(host.clientWidth, 200), height: heightPx, host }), dataOf(present), host);
      showLast(plot, lastIndex(present));
    };
    draw();
    const resized = new ResizeObserver(() => plot?.setSize({ width: Math.max(host.clientWidth, 200), height: heightPx }));
    resized.observe(host);
    // The colours are read when it is drawn: another scheme is another picture.
    const recoloured = new MutationObserver(draw);
    recoloured.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", draw);
    return () => {
      resized.disconnect();
      recoloured.disconnect();
      dark.removeEventListener("change", draw);
      plot?.destroy();
    };
  }, [drawing]);
  return (
    <div
      ref={place}
      role="img"
      aria-label={label}
      // Its own styles stand in no layer: without the exclamation marks they would win.
      className="min-w-0 [&_.u-inline_tr]:mr-0! [&_.u-legend]:text-soft [&_.u-legend]:text-sm! [&_.u-legend_tbody]:flex! [&_.u-legend_tbody]:flex-wrap [&_.u-legend_tbody]:justify-center [&_.u-legend_tbody]:gap-x-3 [&_.u-legend_th]:font-normal! [&_.u-marker]:rounded-sm [&_.uplot]:[font-family:inherit]!"
    />
  );
}

/** The last moment of which there is something to tell; null for none. */
function lastIndex({ series, at }: PlotProps): number | null {
  const last = at.findLastIndex((_, index) => series.some(({ values }) => values[index] != null && values[index] !== 0));
  return last === -1 ? null : last;
}

function showLast(plot: uPlot, idx: number | null): void {
  if (idx !== null) plot.setLegend({ idx });
}

/** What is drawn first stands last: the legend goes by what one reads. */
function orderLegend(plot: uPlot): void {
  const [moment, ...rows] = plot.root.querySelectorAll<HTMLElement>(".u-legend .u-series");
  if (moment !== undefined) moment.style.order = String(-rows.length - 1);
  for (const [index, row] of rows.entries()) row.style.order = String(-index);
}

/** As wide as the longest of its words. */
function axisSize(_plot: uPlot, values: readonly (string | null)[] | null): number {
  return 18 + 7 * Math.max(2, ...(values ?? []).map((value) => value?.length ?? 0));
}

function dataOf({ at, series, isStacked = false }: PlotProps): uPlot.AlignedData {
  const rows = series.map(({ values }) => [...values]);
  if (isStacked)
    for (let row = 1; row < rows.length; row += 1) rows[row] = (rows[row] ?? []).map((value, index) => (value ?? 0) + (rows[row - 1]?.[index] ?? 0));
  // The tallest is drawn first, so that the others stand before it.
  return [[...at], ...(isStacked ? rows.toReversed() : rows)];
}

/** What stands beside an axis. Values that round to the same words are told once, and counts have no halves. */
function textsOf(ticks: readonly number[], { format, isWhole }: { readonly format: PlotProps["format"]; readonly isWhole: boolean }): string[] {
  const texts = ticks.map((tick) => (isWhole && !Number.isInteger(tick) ? "" : format(tick)));
  return texts.map((text, index) => (text === texts[index - 1] ? "" : text));
}

/** How the axis and the legend say a moment, by how much time the chart shows. */
function timesOf({ at }: PlotProps): {
  readonly ticks: number[];
  readonly tick: Intl.DateTimeFormat;
  readonly full: Intl.DateTimeFormat;
  readonly step: number;
} {
  const [first = 0, second] = at;
  const span = (at.at(-1) ?? first) - first;
  const step = second === undefined ? daySeconds : second - first;
  const isShort = span > 0 && span < 2 * daySeconds;
  const ticks = isShort ? [1, 5, 10, 15, 30, 60, 120, 180, 360, 720].map((minutes) => minutes * 60) : [1, 2, 3, 5, 7, 14].map((days) => days * daySeconds);
  const isDaily = at.every((moment) => new Date(moment * 1000).getHours() === 0);
  return { ticks, tick: isShort ? clockName : dayName, full: isDaily ? dayName : isShort && step < hourSeconds ? clockName : momentName, step };
}

function optionsOf(props: PlotProps, place: { readonly width: number; readonly height: number; readonly host: HTMLElement }): uPlot.Options {
  const { series, format, kind, isStacked = false, at } = props;
  const style = getComputedStyle(place.host);
  // light-dark() is only resolved where it is used: a probe tells the colour in force.
  const colour = (role: string): string => {
    place.host.style.color = `var(${role})`;
    const resolved = getComputedStyle(place.host).color;
    place.host.style.color = "";
    return resolved;
  };
  const axis: uPlot.Axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: `12px ${style.fontFamily}` };
  const shown = isStacked ? series.toReversed() : series;
  const { ticks, tick, full, step } = timesOf(props);
  const bars = uPlot.paths.bars?.({ size: [0.7, 36], radius: 0.15 });
  return {
    width: place.width,
    height: place.height,
    cursor: { drag: { x: false, y: false } },
    // When the pointer leaves, the legend goes back to the newest values.
    hooks: {
      init: [(plot) => isStacked && orderLegend(plot)],
      setCursor: [(plot) => plot.cursor.idx == null && showLast(plot, lastIndex(props))],
    },
    scales: {
      x: { time: true, ...(kind === "bars" ? { range: [(at[0] ?? 0) - step / 2, (at.at(-1) ?? 0) + step / 2] as [number, number] } : {}) },
      y: { range: (_, least, most) => (kind === "bars" ? [0, Math.max(most * 1.1, 1)] : uPlot.rangeNum(Math.max(least, 0), most, 0.1, true)) },
    },
    axes: [
      {
        ...axis,
        values: (_, splits) => splits.map((each) => tick.format(each * 1000)),
        incrs: ticks,
        size: 30,
        space: 60,
      },
      { ...axis, size: axisSize, values: (_, splits) => textsOf(splits, { format, isWhole: kind === "bars" }) },
    ],
    series: [
      { label: full === dayName ? "Day" : "When", value: (_, moment) => (moment === null ? "–" : full.format(moment * 1000)) },
      ...shown.map((each) => {
        const stroke = colour(each.colour);
        const own = series.indexOf(each);
        return {
          label: each.name,
          stroke,
          width: kind === "bars" ? 0 : 2,
          points: { show: kind === "line" && at.length < 60 },
          spanGaps: true,
          ...(kind === "bars" && bars !== undefined ? { fill: stroke, paths: bars } : {}),
          // Where the pointer is comes last, after the chart, the raw value and the series.
          value: (...[, , , at]: [uPlot, number, number, number | null]) => {
            const value = at === null ? null : series[own]?.values[at];
            return value == null ? "–" : format(value);
          },
        } satisfies uPlot.Series;
      }),
    ],
  };
}
