import { type ReactNode, useMemo, useState } from "react";
import type { SiteTraffic } from "#contract/api/traffic.ts";
import type { SiteView } from "#contract/api/views.ts";
import type { TrafficRange } from "#contract/site-traffic.ts";
import { wordsOf } from "../app/api.ts";
import { useTraffic } from "../app/data-traffic.ts";
import { bytesText, countText } from "../app/formats.ts";
import { shareText, sumsOf, type TrafficSums } from "../app/traffic-sums.ts";
import { Plot } from "./charts/plot.tsx";
import { ChoiceBar } from "./choice-bar.tsx";
import { ExternalLink, shortAddress } from "./external-link.tsx";
import { Section } from "./heading.tsx";
import { ProblemBox } from "./problem-box.tsx";
import { Loading, Skeleton } from "./skeleton.tsx";

const ranges = [
  ["hour", "1 hour"],
  ["day", "24 hours"],
  ["week", "7 days"],
] as const satisfies readonly (readonly [TrafficRange, string])[];
const rangeWords: Readonly<Record<TrafficRange, string>> = { hour: "in the last hour", day: "in the last 24 hours", week: "in the last 7 days" };

const count = (value: number): string => value.toLocaleString("en");

/** How much the site is visited, what went wrong, and what the page cache spared the program. */
export function SiteTrafficSection({ site }: { readonly site: SiteView }): ReactNode {
  const [range, setRange] = useState<TrafficRange>("hour");
  const { data: traffic, error, refetch } = useTraffic(site.name, range);
  return (
    <Section title="Visitors" actions={<ChoiceBar label="How far back" choices={ranges} value={range} onChoose={setRange} />}>
      {error !== null && <ProblemBox title={wordsOf(error)} retry={() => void refetch()} />}
      {traffic === undefined && error === null && (
        <Loading label="The visitors are loading">
          <Skeleton className="h-44 w-full" />
        </Loading>
      )}
      {traffic !== undefined && <Traffic site={site} traffic={traffic} />}
    </Section>
  );
}

function Traffic({ site, traffic }: { readonly site: SiteView; readonly traffic: SiteTraffic }): ReactNode {
  const sums = useMemo(() => sumsOf(traffic.points), [traffic.points]);
  const when = rangeWords[traffic.range];
  if (traffic.routers === 0) return <p className="text-soft">The router, which counts visitors, does not answer. This is looked at again by itself.</p>;
  return (
    <>
      {sums.requests === 0 ? (
        <div className="rounded-xl bg-sunken px-4 py-8 text-center">
          <p className="font-medium">Nobody came {when}</p>
          <p className="mt-1 text-soft text-sm">Pass the address on; visitors show up here within seconds.</p>
          <ExternalLink href={site.url} className="mt-1 inline-flex min-h-9 items-center gap-1.5 text-accent text-sm [overflow-wrap:anywhere] hover:underline">
            {shortAddress(site.url)}
          </ExternalLink>
        </div>
      ) : (
        <Pictures site={site} traffic={traffic} sums={sums} />
      )}
      {traffic.away > 0 && (
        <p className="mt-3 text-sm text-warn">
          {traffic.away} of {countText(traffic.away + traffic.routers, "router")} {traffic.away === 1 ? "does" : "do"} not answer: some visitors are missing
          here.
        </p>
      )}
    </>
  );
}

function Pictures({ site, traffic, sums }: { readonly site: SiteView; readonly traffic: SiteTraffic; readonly sums: TrafficSums }): ReactNode {
  const { points } = traffic;
  const isCached = (site.kind === "dynamic" && site.cache.isOn) || sums.kept > 0;
  const each = traffic.stepSeconds === 60 ? "each minute" : "each hour";
  const facts = [
    ["Requests", count(sums.requests)],
    ["Errors", sums.errors === 0 ? "None" : `${count(sums.errors)} (${shareText(sums.errors, sums.requests)})`],
    ["Sent", bytesText(sums.bytes)],
    ...(isCached ? ([["From the page cache", shareText(sums.kept, sums.requests)]] as const) : []),
  ] as const;
  return (
    <>
      <dl className="mb-4 grid grid-cols-2 gap-x-6 gap-y-3 sm:flex sm:flex-wrap sm:gap-x-10">
        {facts.map(([label, value]) => (
          <div key={label}>
            <dt className="text-soft text-sm">{label}</dt>
            <dd className="font-semibold text-lg tabular-nums">{value}</dd>
          </div>
        ))}
      </dl>
      <Plot
        label={`Requests ${each}: ${count(sums.requests)} ${rangeWords[traffic.range]}, ${count(sums.errors)} of them errors`}
        heightPx={170}
        kind="bars"
        isStacked
        at={sums.at}
        format={count}
        series={[
          { name: "Answered", colour: "--good", values: sums.answered },
          { name: "Errors", colour: "--bad", values: points.map(({ errors }) => errors) },
        ]}
      />
      {isCached && (
        <div className="mt-5">
          <h3 className="mb-2 font-medium text-sm">Who answered</h3>
          <Plot
            label={`Answers of the page cache ${each}: ${count(sums.kept)} of ${count(sums.requests)}`}
            heightPx={150}
            kind="bars"
            isStacked
            at={sums.at}
            format={count}
            series={[
              { name: "Page cache", colour: "--accent", values: points.map(({ hits }) => hits) },
              { name: "An older page of it", colour: "--lamp", values: points.map(({ stale }) => stale) },
              { name: "The program", colour: "--sky", values: points.map(({ misses }) => misses) },
              { name: "Past the cache", colour: "--edge", values: sums.bypassed },
            ]}
          />
        </div>
      )}
    </>
  );
}
