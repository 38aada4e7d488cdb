import { type ReactNode, useMemo } from "react";
import type { SiteView } from "#contract/api/views.ts";
import type { CacheMinute } from "#contract/site-cache.ts";
import { wordsOf } from "../app/api.ts";
import { useCache, usePurgeCache } from "../app/data-cache.ts";
import { may } from "../app/data-sites.ts";
import { bytesText } from "../app/formats.ts";
import { notify } from "../app/notices.ts";
import { Button } from "./button.tsx";
import { Plot } from "./charts/plot.tsx";
import { Section } from "./heading.tsx";
import { ProblemBox } from "./problem-box.tsx";

const minuteMs = 60_000;
const kinds = [
  ["hits", "Kept", "--good"],
  ["stale", "Old, asleep or renewed", "--accent"],
  ["misses", "By the program", "--warn"],
  ["bypassed", "Past the cache", "--soft"],
] as const;

/** What is kept of the site, and how visitors were answered in the last hour. */
export function SiteCacheSection({ site }: { readonly site: SiteView }): ReactNode {
  const isOn = site.kind === "dynamic" && site.cache.isOn;
  const { data: cache, error } = useCache(site.name, isOn);
  const purge = usePurgeCache(site.name);
  const hour = useMemo(() => (cache === undefined ? null : hourOf(cache.minutes)), [cache]);
  if (!isOn) return null;
  return (
    <Section title="Page cache">
      {error !== null && <ProblemBox title={wordsOf(error)} />}
      {purge.error !== null && <ProblemBox title={wordsOf(purge.error)} />}
      {cache !== undefined && (
        <p className="text-[0.9375rem]" data-testid="cache-facts">
          {cache.entries.toLocaleString("en")} {cache.entries === 1 ? "page" : "pages"}, {bytesText(cache.bytes)} of {bytesText(site.cache.bytes)}.
          {cache.redis === "away" && " Redis is away: each router keeps its own."}
          {cache.away > 0 && ` ${cache.away} of ${cache.away + cache.routers} routers do not answer.`}
        </p>
      )}
      {hour !== null && (
        <div className="mt-3">
          <Plot
            label="How visitors were answered in the last hour, minute by minute"
            heightPx={140}
            kind="bars"
            isStacked
            at={hour.at}
            series={kinds.map(([key, name, colour]) => ({ name, colour, values: hour.minutes.map((minute) => minute[key]) }))}
            format={(value) => value.toLocaleString("en")}
          />
        </div>
      )}
      {may(site, "site.run") && (
        <div className="mt-3">
          <Button
            busy={purge.isPending && "Emptying…"}
            onClick={() => purge.mutate({}, { onSuccess: () => notify({ tone: "good", text: "The page cache is empty" }) })}
          >
            Empty the page cache
          </Button>
        </div>
      )}
    </Section>
  );
}

/** Every minute of the hour, also those without a visitor. */
function hourOf(minutes: readonly CacheMinute[]): { readonly at: readonly number[]; readonly minutes: readonly CacheMinute[] } {
  const last = Math.floor(Date.now() / minuteMs) * minuteMs;
  const known = new Map(minutes.map((minute) => [minute.at, minute]));
  const all = Array.from({ length: 60 }, (_, index) => {
    const at = last - (59 - index) * minuteMs;
    return known.get(at) ?? { at, hits: 0, stale: 0, misses: 0, bypassed: 0 };
  });
  return { at: all.map(({ at }) => at / 1000), minutes: all };
}
