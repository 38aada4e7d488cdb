import { Link, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { SiteView } from "#contract/api/views.ts";
import { wordsOf } from "../../app/api.ts";
import { useUsage } from "../../app/data-files.ts";
import { useImages } from "../../app/data-images.ts";
import { useSite } from "../../app/data-sites.ts";
import { bytesText, secondsText } from "../../app/formats.ts";
import { Section } from "../../parts/heading.tsx";
import { imageOf } from "../../parts/images/image-choice.tsx";
import { SshCommandsList } from "../../parts/keys/ssh-commands-list.tsx";
import { roleLabels } from "../../parts/member-row.tsx";
import { Meter } from "../../parts/meter.tsx";
import { OperationHistory } from "../../parts/operation-history.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { SiteActivity } from "../../parts/site-activity.tsx";
import { SiteCacheSection } from "../../parts/site-cache.tsx";
import { SiteTrafficSection } from "../../parts/site-traffic.tsx";
import { SiteTrouble } from "../../parts/site-trouble.tsx";
import { Loading, Skeleton } from "../../parts/skeleton.tsx";
import { TimeAgo } from "../../parts/time-ago.tsx";

export function OverviewPage(): ReactNode {
  const { name } = useParams({ from: "/app/sites/$name" });
  const { data: site } = useSite(name);
  if (site === undefined) return null;
  return (
    <div className="grid items-start gap-5 lg:grid-cols-[minmax(0,1fr)_20rem]">
      <div className="flex min-w-0 flex-col gap-5">
        <SiteTrouble site={site} />
        <SiteTrafficSection site={site} />
        <SiteCacheSection site={site} />
        <OperationHistory name={name} />
        <SiteActivity site={site} />
      </div>
      <div className="flex min-w-0 flex-col gap-5">
        <UsageSection name={name} />
        <FactsSection site={site} />
      </div>
    </div>
  );
}

function UsageSection({ name }: { readonly name: string }): ReactNode {
  const { data: usage, error, refetch } = useUsage(name);
  return (
    <Section title="Space">
      {error !== null && <ProblemBox title={wordsOf(error)} retry={() => void refetch()} />}
      {usage === undefined && error === null && (
        <Loading label="The usage is loading">
          <Skeleton className="h-10 w-full" />
        </Loading>
      )}
      {usage !== undefined && (
        <div className="flex flex-col gap-4">
          <Meter label="Storage" used={usage.bytes} limit={usage.limitBytes} text={`${bytesText(usage.bytes)} of ${bytesText(usage.limitBytes)}`} />
          <Meter
            label="Files and folders"
            used={usage.files}
            limit={usage.limitFiles}
            text={`${usage.files.toLocaleString("en")} of ${usage.limitFiles.toLocaleString("en")}`}
          />
        </div>
      )}
    </Section>
  );
}

function FactsSection({ site }: { readonly site: SiteView }): ReactNode {
  const { idleSeconds } = site.settings;
  const { data: catalogue } = useImages();
  const image = catalogue?.isUsed === true ? imageOf(catalogue.images, site.image ?? null)?.name : undefined;
  const facts: readonly (readonly [string, ReactNode])[] = [
    ["Kind", site.kind === "static" ? "Static" : "Dynamic"],
    ...(site.dedicated === true ? ([["Served by", "A file server of its own"]] as const) : []),
    ...(site.kind === "dynamic" && image !== undefined ? ([["Image", image]] as const) : []),
    ...(site.kind === "dynamic"
      ? ([
          ["Sleeps after", idleSeconds === null ? "Never" : secondsText(idleSeconds)],
          ["Memory", bytesText(site.limits.memoryBytes)],
          ["Processor", `${Math.round(site.limits.cpu * 100)} % of a core`],
          ["Connects to", site.egress === "internet" ? "The public internet" : "Nothing outside"],
        ] as const)
      : []),
    ["Your role", site.you.role === null ? "Administrator" : roleLabels[site.you.role]],
    ["Created", <TimeAgo key="created" at={site.createdAt} />],
  ];
  return (
    <Section title="About">
      {site.description !== "" && <p className="mb-4 [overflow-wrap:anywhere]">{site.description}</p>}
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-2 text-[0.9375rem]">
        {facts.map(([label, value]) => (
          <div key={label} className="contents">
            <dt className="text-soft">{label}</dt>
            <dd className="text-right">{value}</dd>
          </div>
        ))}
      </dl>
      <p className="mt-4 border-line border-t pt-4 text-soft text-sm">
        Deploy a folder from your computer:
        <code className="mt-1 block overflow-x-auto rounded-lg bg-sunken px-3 py-2 font-mono text-ink text-xs">npx backlot deploy . --site {site.name}</code>
        <Link to="/account" className="mt-2 inline-block text-accent hover:underline">
          Make a token for it
        </Link>
      </p>
      <div className="mt-4 border-line border-t pt-4">
        <SshCommandsList site={site.name} />
      </div>
    </Section>
  );
}
