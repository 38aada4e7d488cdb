import { ChevronLeft, ChevronRight } from "lucide-react";
import { type ReactNode, useMemo, useState } from "react";
import { wordsOf } from "../../app/api.ts";
import { useTaskCharts } from "../../app/data-tasks.ts";
import { bytesText, countText, durationText } from "../../app/formats.ts";
import { monthOf, monthRange, monthText, nextMonth } from "../../app/months.ts";
import { IconButton } from "../../parts/button.tsx";
import { Plot } from "../../parts/charts/plot.tsx";
import { PageHeading, Section } from "../../parts/heading.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { Loading, Skeleton } from "../../parts/skeleton.tsx";

type Charts = NonNullable<ReturnType<typeof useTaskCharts>["data"]>;

/** Most scripts end within a second: in tenths of one, the marks of an axis would all read the same. */
function shortText(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : durationText(ms);
}

/** A month of tasks as pictures: how many, how long, how long they waited, and what they left of the disk. */
export function TaskChartsPage(): ReactNode {
  const [month, setMonth] = useState(() => monthOf(new Date()));
  const query = useTaskCharts({ site: null, ...monthRange(month) });
  const isPresent = month === monthOf(new Date());
  return (
    <>
      <PageHeading title="Task charts" lead="Of all tasks that you can see.">
        <div className="flex items-center gap-1">
          <IconButton label="The month before" onClick={() => setMonth(nextMonth(month, -1))}>
            <ChevronLeft aria-hidden="true" />
          </IconButton>
          <span className="min-w-32 text-center font-medium" aria-live="polite">
            {monthText(month)}
          </span>
          <IconButton label="The month after" disabled={isPresent} onClick={() => setMonth(nextMonth(month, 1))}>
            <ChevronRight aria-hidden="true" />
          </IconButton>
        </div>
      </PageHeading>
      {query.error !== null && <ProblemBox title={wordsOf(query.error)} retry={() => void query.refetch()} />}
      {query.data === undefined && query.error === null && (
        <Loading label="The charts are loading">
          <Skeleton className="h-72 w-full rounded-xl" />
        </Loading>
      )}
      {query.data !== undefined && <Pictures charts={query.data} />}
    </>
  );
}

function Pictures({ charts }: { readonly charts: Charts }): ReactNode {
  const { days, disk } = charts;
  const at = useMemo(() => days.map(({ date }) => Date.parse(`${date}T00:00:00`) / 1000), [days]);
  const total = days.reduce((sum, day) => sum + day.total, 0);
  const succeeded = days.reduce((sum, day) => sum + day.succeeded, 0);
  if (total === 0) return <Section title="No task in this month">Choose another one, or run something.</Section>;
  return (
    <div className="flex flex-col gap-6">
      <Section title="Tasks a day" lead={`${countText(total, "task")}, ${countText(succeeded, "success").replace("successs", "successes")}.`}>
        <Plot
          label={`Tasks a day: ${total} in all, ${succeeded} of them done`}
          kind="bars"
          isStacked
          at={at}
          format={(value) => String(value)}
          series={[
            { name: "Done", colour: "--good", values: days.map((day) => day.succeeded) },
            { name: "Not done", colour: "--bad", values: days.map((day) => day.failed) },
            { name: "Under way", colour: "--sky", values: days.map((day) => Math.max(day.total - day.succeeded - day.failed, 0)) },
          ]}
        />
      </Section>
      <div className="grid grid-cols-1 gap-6 lg:grid-cols-2">
        <Section title="Duration" lead="Half of a day's tasks were quicker than the median, 19 of 20 quicker than the upper line.">
          <Plot
            label="Duration of tasks a day"
            kind="line"
            at={at}
            format={shortText}
            series={[
              { name: "Median", colour: "--accent", values: days.map((day) => day.medianDurationMs) },
              { name: "95 of 100", colour: "--warn", values: days.map((day) => day.p95DurationMs) },
            ]}
          />
        </Section>
        <Section title="Wait in the queue" lead="From being due to being started.">
          <Plot
            label="Wait of tasks a day"
            kind="line"
            at={at}
            format={shortText}
            series={[
              { name: "Median", colour: "--accent", values: days.map((day) => day.medianWaitMs) },
              { name: "95 of 100", colour: "--warn", values: days.map((day) => day.p95WaitMs) },
            ]}
          />
        </Section>
      </div>
      {disk.length > 0 && (
        <Section title="Free disk space" lead="After each task.">
          <Plot
            label="Free disk space after each task"
            kind="line"
            at={disk.map((point) => Date.parse(point.at) / 1000)}
            format={bytesText}
            series={[{ name: "Free", colour: "--night", values: disk.map((point) => point.freeBytes) }]}
          />
        </Section>
      )}
    </div>
  );
}
