import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Plus, Search } from "lucide-react";
import type { ReactNode } from "react";
import { wordsOf } from "../app/api.ts";
import { useIsAdministrator } from "../app/data-session.ts";
import { useSites } from "../app/data-sites.ts";
import { Button, buttonClass } from "../parts/button.tsx";
import { EmptyLot } from "../parts/empty-lot.tsx";
import { SwitchField } from "../parts/field.tsx";
import { PageHeading } from "../parts/heading.tsx";
import { ProblemBox } from "../parts/problem-box.tsx";
import { SiteRow, SiteRowsLoading } from "../parts/site-row.tsx";
import { useTypedSearch } from "../parts/typed-search.ts";

export function SitesPage(): ReactNode {
  const { q = "", all = false } = useSearch({ from: "/app/" });
  const isAdministrator = useIsAdministrator();
  const query = useSites({ search: q, all });
  const sites = query.data?.pages.flatMap((page) => page.sites);
  const navigate = useNavigate();
  return (
    <>
      <PageHeading title={all ? "All sites" : "Your sites"} />
      <div className="mb-4 flex flex-wrap items-center gap-x-6 gap-y-2">
        {(q !== "" || sites?.length !== 0) && <SearchBox initial={q} all={all} />}
        {isAdministrator && (
          <SwitchField
            label="Everyone's sites"
            checked={all}
            onChange={(next) => void navigate({ to: "/", search: { ...(q === "" ? {} : { q }), ...(next ? { all: true } : {}) }, replace: true })}
          />
        )}
      </div>
      {query.error !== null && <ProblemBox title={wordsOf(query.error)} retry={() => void query.refetch()} />}
      {sites === undefined && query.error === null && <SiteRowsLoading />}
      {sites?.length === 0 && <NoSites search={q} all={all} />}
      {sites !== undefined && sites.length > 0 && (
        <ul className="card divide-y divide-line" aria-label="Sites" aria-busy={query.isPlaceholderData}>
          {sites.map((site) => (
            <SiteRow key={site.id} site={site} />
          ))}
        </ul>
      )}
      <p className="sr-only" role="status">
        {sites === undefined ? "" : `${sites.length} ${sites.length === 1 ? "site" : "sites"} shown`}
      </p>
      {query.hasNextPage && (
        <div className="mt-4 flex justify-center">
          <Button onClick={() => void query.fetchNextPage()} busy={query.isFetchingNextPage && "Loading more…"}>
            Show more sites
          </Button>
        </div>
      )}
    </>
  );
}

function SearchBox({ initial, all }: { readonly initial: string; readonly all: boolean }): ReactNode {
  const navigate = useNavigate();
  const [text, setText] = useTypedSearch(
    initial,
    (q) => void navigate({ to: "/", search: { ...(q === "" ? {} : { q }), ...(all ? { all: true } : {}) }, replace: true }),
  );
  return (
    <search className="relative w-full sm:w-80">
      <Search className="pointer-events-none absolute top-3 left-3 size-5 text-soft" aria-hidden="true" />
      <input
        type="search"
        aria-label="Search sites"
        placeholder="Search by name or description"
        className="control pl-10"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
    </search>
  );
}

function NoSites({ search, all }: { readonly search: string; readonly all: boolean }): ReactNode {
  if (search !== "") {
    return (
      <EmptyLot title={`No site matches “${search}”`}>
        <p className="mt-1 mb-6 text-soft">Try fewer letters{all ? "." : ", or ask for a membership if the site is someone else's."}</p>
        <Link to="/" search={all ? { all: true } : {}} className={buttonClass()}>
          Show {all ? "all sites" : "all of mine"}
        </Link>
      </EmptyLot>
    );
  }
  return (
    <EmptyLot title="Your lot is still empty">
      <p className="mt-1 mb-6 max-w-md text-soft">
        Put up your first site: a page takes a second, a program not much longer. You can edit everything in the browser.
      </p>
      <Link to="/new" className={buttonClass("primary")}>
        <Plus aria-hidden="true" />
        Create your first site
      </Link>
    </EmptyLot>
  );
}
