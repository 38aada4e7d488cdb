import type { ReactNode } from "react";
import { wordsOf } from "../app/api.ts";
import { useAudit } from "../app/data-audit.ts";
import { useIsAdministrator } from "../app/data-session.ts";
import { AuditList } from "../parts/audit-list.tsx";
import { Button } from "../parts/button.tsx";
import { PageHeading } from "../parts/heading.tsx";
import { PageProblem } from "../parts/page-problem.tsx";
import { ProblemBox } from "../parts/problem-box.tsx";
import { Loading, Skeleton } from "../parts/skeleton.tsx";

export function AuditPage(): ReactNode {
  const isAdministrator = useIsAdministrator();
  const query = useAudit();
  const entries = query.data?.pages.flatMap((page) => page.entries);
  if (!isAdministrator) return <PageProblem page="Audit" title="Only an administrator may read the audit trail. Ask one of them." />;
  return (
    <>
      <PageHeading title="Audit" lead="Who did what on the whole installation, newest first.">
        <Button onClick={() => void query.refetch()} busy={query.isRefetching && "Reading…"}>
          Read again
        </Button>
      </PageHeading>
      {query.error !== null && <ProblemBox title={wordsOf(query.error)} retry={() => void query.refetch()} />}
      {entries === undefined && query.error === null && (
        <Loading label="The audit trail is loading">
          <Skeleton className="h-64 w-full rounded-xl" />
        </Loading>
      )}
      {entries !== undefined && (
        <div className="card px-4 py-2 sm:px-6">
          <AuditList entries={entries} />
        </div>
      )}
      {query.hasNextPage && (
        <Button className="mt-4" onClick={() => void query.fetchNextPage()} busy={query.isFetchingNextPage && "Loading more…"}>
          Show earlier entries
        </Button>
      )}
    </>
  );
}
