import type { ReactNode } from "react";
import type { SiteView } from "#contract/api/views.ts";
import { stateWords } from "../app/state-words.ts";
import { CopyButton } from "./copy-button.tsx";
import { ExternalLink, shortAddress } from "./external-link.tsx";
import { Facade } from "./facade.tsx";
import { StatePill } from "./state-pill.tsx";
import { TimeAgo } from "./time-ago.tsx";

/** Name, address, state and why: the same on every page of a site. */
export function SiteHeader({ site }: { readonly site: SiteView }): ReactNode {
  return (
    <div className="mb-3 flex flex-wrap items-start gap-x-4 gap-y-3 sm:mb-4">
      <Facade name={site.name} state={site.state} className="size-14 shrink-0" />
      <div className="min-w-0 flex-1">
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <h1 className="min-w-0 truncate font-semibold text-2xl">{site.name}</h1>
          <span role="status">
            <StatePill state={site.state} kind={site.kind} />
          </span>
        </div>
        <div className="-my-1 flex items-center">
          <ExternalLink href={site.url} className="inline-flex min-h-11 min-w-0 items-center gap-1.5 rounded text-accent hover:underline sm:min-h-10">
            <span className="truncate">{shortAddress(site.url)}</span>
          </ExternalLink>
          <CopyButton text={site.url} label="Copy the address" />
        </div>
      </div>
      <p className="w-full text-soft text-sm sm:text-[0.9375rem]">
        {site.status.reason ?? stateWords(site.state, site.kind).meaning}{" "}
        <span className="whitespace-nowrap">
          Since <TimeAgo at={site.status.since} />.
        </span>
      </p>
    </div>
  );
}
