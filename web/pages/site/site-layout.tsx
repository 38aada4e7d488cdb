import { Link, Outlet, useLocation, useParams } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef } from "react";
import type { SiteView } from "#contract/api/views.ts";
import { hasCode, wordsOf } from "../../app/api.ts";
import { may, useSite } from "../../app/data-sites.ts";
import { buttonClass } from "../../parts/button.tsx";
import { EmptyLot } from "../../parts/empty-lot.tsx";
import { PageProblem } from "../../parts/page-problem.tsx";
import { SiteHeader, SmallSiteHeader } from "../../parts/site-header.tsx";
import { Loading, Skeleton } from "../../parts/skeleton.tsx";

/** What a tab of the browser calls the pages of a site; the editor's goes by the file. */
const titles: Readonly<Record<string, string>> = {
  logs: "Log",
  terminal: "Terminal",
  tasks: "Tasks",
  members: "Members",
  settings: "Settings",
};

/** The stable frame of a site's pages: name, address, state and tabs stay while the page below changes. */
export function SiteLayout(): ReactNode {
  const { name } = useParams({ from: "/app/sites/$name" });
  const { data: site, error, refetch } = useSite(name);
  // The editor and the terminal need the room.
  const page = useLocation({ select: ({ pathname }) => pathname.split("/")[3] ?? "" });
  const isEditor = ["files", "edit", "terminal"].includes(page);
  if (site === undefined) {
    if (hasCode(error, "site_not_found")) return <NoSite name={name} />;
    if (error !== null) return <PageProblem page={name} title={wordsOf(error)} retry={() => void refetch()} />;
    return <LayoutLoading />;
  }
  return (
    <>
      <title>{`${[titles[page], site.name].filter(Boolean).join(" – ")} – Backlot`}</title>
      {isEditor ? <SmallSiteHeader site={site} tabs={<Tabs site={site} />} /> : <SiteHeader site={site} />}
      {!isEditor && <Tabs site={site} />}
      <Outlet />
    </>
  );
}

const tabClass =
  "relative inline-flex min-h-11 items-center whitespace-nowrap rounded-t-lg px-2 min-[380px]:px-2.5 sm:px-3.5 font-medium text-[0.9375rem] text-soft hover:text-ink focus-visible:-outline-offset-4 after:absolute after:inset-x-2 after:bottom-0 after:h-[3px] after:rounded-full aria-[current=page]:text-ink aria-[current=page]:after:bg-accent";

function Tabs({ site }: { readonly site: SiteView }): ReactNode {
  const params = { name: site.name };
  const nav = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  const page = pathname.split("/")[3] ?? "";
  // On narrow screens the tabs scroll sideways; the present one stays in sight.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is the page that decides which tab is the present one.
  useEffect(() => {
    nav.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [page]);
  return (
    <nav
      ref={nav}
      // Browsers leave a link where it is that is half in sight.
      onFocus={({ target }) => target.scrollIntoView({ block: "nearest", inline: "nearest" })}
      aria-label={`Pages of ${site.name}`}
      className="-mx-4 mb-6 flex overflow-x-auto border-line border-b px-4 [scrollbar-width:none] in-data-small:mx-0 in-data-small:mb-0 in-data-small:border-b-0 in-data-small:px-0 sm:mx-0 sm:px-0"
    >
      <Link to="/sites/$name" params={params} activeOptions={{ exact: true }} className={tabClass}>
        Overview
      </Link>
      {may(site, "site.files.read") && (
        <Link
          to="/sites/$name/files/$"
          params={{ ...params, _splat: "" }}
          className={tabClass}
          // An open file belongs to this tab too, though its address is not below it.
          {...(page === "edit" ? { "aria-current": "page" as const } : {})}
        >
          Files
        </Link>
      )}
      {may(site, "site.logs") && (
        <Link to="/sites/$name/logs" params={params} className={tabClass}>
          Log
        </Link>
      )}
      <Link to="/sites/$name/terminal" params={params} className={tabClass}>
        Terminal
      </Link>
      {may(site, "site.logs") && (
        <Link to="/sites/$name/tasks" params={params} className={tabClass}>
          Tasks
        </Link>
      )}
      <Link to="/sites/$name/members" params={params} className={tabClass}>
        Members
      </Link>
      {may(site, "site.configure") && (
        <Link to="/sites/$name/settings" params={params} className={tabClass}>
          Settings
        </Link>
      )}
    </nav>
  );
}

function NoSite({ name }: { readonly name: string }): ReactNode {
  return (
    <EmptyLot isPage title={`There is no site called ${name} that you can see`}>
      <p className="mt-1 mb-6 max-w-md text-soft">It may have been renamed or deleted, or you are not a member. Ask one of its owners to add you.</p>
      <Link to="/" className={buttonClass("primary")}>
        To my sites
      </Link>
    </EmptyLot>
  );
}

function LayoutLoading(): ReactNode {
  return (
    <Loading label="The site is loading">
      <div className="mb-6 flex items-center gap-4">
        <Skeleton className="size-14 rounded-2xl" />
        <div>
          <Skeleton className="mb-2 h-7 w-48" />
          <Skeleton className="h-4 w-64" />
        </div>
      </div>
      <Skeleton className="mb-6 h-11 w-full" />
      <Skeleton className="h-48 w-full rounded-xl" />
    </Loading>
  );
}
