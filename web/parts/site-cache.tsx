import type { ReactNode } from "react";
import type { SiteView } from "#contract/api/views.ts";
import { wordsOf } from "../app/api.ts";
import { useCache, usePurgeCache } from "../app/data-cache.ts";
import { may } from "../app/data-sites.ts";
import { bytesText } from "../app/formats.ts";
import { notify } from "../app/notices.ts";
import { Button } from "./button.tsx";
import { Section } from "./heading.tsx";
import { ProblemBox } from "./problem-box.tsx";

/** What is said when the cache was emptied: not all of it is when routers did not answer. */
const emptied = (away: number) =>
  away === 0
    ? ({ tone: "good", text: "The page cache is empty" } as const)
    : ({ tone: "plain", text: `The page cache is empty, but at routers that did not answer (${away}): there it is when they can be reached` } as const);

/** What is kept of the site; how visitors were answered stands with the visitors. */
export function SiteCacheSection({ site }: { readonly site: SiteView }): ReactNode {
  const isOn = site.kind === "dynamic" && site.cache.isOn;
  const { data: cache, error } = useCache(site.name, isOn);
  const purge = usePurgeCache(site.name);
  if (!isOn) return null;
  return (
    <Section title="Page cache">
      {error !== null && <ProblemBox title={wordsOf(error)} />}
      {purge.error !== null && <ProblemBox title={wordsOf(purge.error)} />}
      {cache !== undefined && (
        <p className="text-[0.9375rem]">
          {cache.entries.toLocaleString("en")} {cache.entries === 1 ? "page" : "pages"}, {bytesText(cache.bytes)} of {bytesText(site.cache.bytes)}.
          {cache.redis === "away" && " Redis is away: each router keeps its own."}
          {cache.away > 0 && ` ${cache.away} of ${cache.away + cache.routers} routers do not answer.`}
        </p>
      )}
      {may(site, "site.run") && (
        <div className="mt-3">
          <Button busy={purge.isPending && "Emptying…"} onClick={() => purge.mutate({}, { onSuccess: ({ away }) => notify(emptied(away)) })}>
            Empty the page cache
          </Button>
        </div>
      )}
    </Section>
  );
}
