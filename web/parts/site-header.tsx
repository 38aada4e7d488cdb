import type { ReactNode } from "react";
import type { SiteView } from "#contract/api/views.ts";
import { wordsOf } from "../app/api.ts";
import { useSiteAction } from "../app/data-sites.ts";
import { sentenceOf, stateWords } from "../app/state-words.ts";
import { buttonClass } from "./button.tsx";
import { CopyButton } from "./copy-button.tsx";
import { ExternalLink, shortAddress } from "./external-link.tsx";
import { Facade } from "./facade.tsx";
import { ProblemBox } from "./problem-box.tsx";
import { SiteButtons } from "./site-buttons.tsx";
import { StatePill } from "./state-pill.tsx";
import { TimeAgo } from "./time-ago.tsx";

/** Name, address, state, why, and what can be done about it: the same on every page of a site. */
export function SiteHeader({ site }: { readonly site: SiteView }): ReactNode {
  const act = useSiteAction(site.name);
  return (
    <div className="mb-3 sm:mb-4">
      <div className="flex flex-wrap items-start gap-x-4 gap-y-3">
        <Facade name={site.name} state={site.state} className="size-14 shrink-0" />
        <div className="min-w-0 flex-1">
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <h1 className="min-w-0 truncate font-semibold text-2xl">{site.name}</h1>
            <span role="status">
              <StatePill state={site.state} kind={site.kind} />
            </span>
          </div>
          <Address url={site.url} />
        </div>
        <p className="w-full text-[0.9375rem] text-soft [overflow-wrap:anywhere] lg:order-last">
          {site.status.reason === null ? stateWords(site.state, site.kind).meaning : sentenceOf(site.status.reason)}{" "}
          <span className="whitespace-nowrap">
            Since <TimeAgo at={site.status.since} />.
          </span>
        </p>
        <div className="flex w-full flex-wrap gap-2 lg:w-auto">
          <SiteButtons site={site} act={act} />
          <ExternalLink href={site.url} className={buttonClass("plain", "grow sm:grow-0")}>
            Open site
          </ExternalLink>
        </div>
      </div>
      {act.error !== null && (
        <div className="mt-3">
          <ProblemBox title={wordsOf(act.error)} />
        </div>
      )}
    </div>
  );
}

/** The same in one line, beside the tabs: for pages that need the room. */
export function SmallSiteHeader({ site, tabs }: { readonly site: SiteView; readonly tabs: ReactNode }): ReactNode {
  const act = useSiteAction(site.name);
  return (
    <div data-small className="flex shrink-0 flex-wrap items-center gap-x-4">
      <div className="flex min-w-0 items-center gap-2.5 py-1">
        <Facade name={site.name} state={site.state} className="size-7 shrink-0" />
        <h1 className="min-w-0 truncate font-semibold text-lg">{site.name}</h1>
        <span role="status">
          <StatePill state={site.state} kind={site.kind} />
        </span>
      </div>
      <div className="order-1 ml-auto flex items-center gap-2 max-sm:hidden [&_a]:min-h-9 [&_button]:min-h-9 [&_a]:px-3 [&_button]:px-3">
        <SiteButtons site={site} act={act} />
        <ExternalLink href={site.url} className={buttonClass("plain")}>
          Open site
        </ExternalLink>
      </div>
      <div className="w-full min-w-0 max-lg:order-2 lg:w-auto">{tabs}</div>
      {act.error !== null && (
        <div className="order-3 w-full pb-2">
          <ProblemBox title={wordsOf(act.error)} />
        </div>
      )}
    </div>
  );
}

function Address({ url }: { readonly url: string }): ReactNode {
  return (
    <div className="-my-1 flex items-center">
      <ExternalLink href={url} className="inline-flex min-h-11 min-w-0 items-center gap-1.5 rounded text-accent hover:underline sm:min-h-10">
        <span className="truncate">{shortAddress(url)}</span>
      </ExternalLink>
      <CopyButton text={url} label="Copy the address" />
    </div>
  );
}
