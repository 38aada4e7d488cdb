import { Link, useSearch } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import type { ReactNode } from "react";
import { wordsOf } from "../../app/api.ts";
import { useSchedules } from "../../app/data-schedules.ts";
import { useIsAdministrator } from "../../app/data-session.ts";
import { Button, buttonClass } from "../../parts/button.tsx";
import { EmptyLot } from "../../parts/empty-lot.tsx";
import { PageHeading } from "../../parts/heading.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { ScheduleRow } from "../../parts/schedules/schedule-row.tsx";
import { Loading, Skeleton } from "../../parts/skeleton.tsx";

/** Every schedule that the person can see, or those of one site. */
export function SchedulesPage(): ReactNode {
  const { site } = useSearch({ from: "/app/schedules" });
  const query = useSchedules(site ?? null);
  const schedules = query.data?.pages.flatMap((page) => page.schedules);
  const mayCreate = useIsAdministrator() || site !== undefined;
  return (
    <>
      <PageHeading title={site === undefined ? "Schedules" : `Schedules of ${site}`} lead="Tasks that run again and again.">
        {mayCreate && <NewLink site={site} />}
      </PageHeading>
      {query.error !== null && <ProblemBox title={wordsOf(query.error)} retry={() => void query.refetch()} />}
      {schedules === undefined && query.error === null && (
        <Loading label="The schedules are loading">
          <Skeleton className="h-48 w-full rounded-xl" />
        </Loading>
      )}
      {schedules?.length === 0 && (
        <EmptyLot title="There is no schedule yet">
          <p className="mt-1 mb-6 max-w-md text-soft">
            A backup at night, a reminder on Mondays: say what to run and when. {mayCreate ? "" : "Open one of your sites and its tab Tasks to make one."}
          </p>
          {mayCreate && <NewLink site={site} />}
        </EmptyLot>
      )}
      {schedules !== undefined && schedules.length > 0 && (
        <ul className="card divide-y divide-line" aria-label="Schedules">
          {schedules.map((schedule) => (
            <ScheduleRow key={schedule.id} schedule={schedule} />
          ))}
        </ul>
      )}
      {query.hasNextPage && (
        <Button className="mt-4" onClick={() => void query.fetchNextPage()} busy={query.isFetchingNextPage && "Loading more…"}>
          Show more schedules
        </Button>
      )}
    </>
  );
}

function NewLink({ site }: { readonly site: string | undefined }): ReactNode {
  return (
    <Link to="/schedules/new" search={site === undefined ? {} : { site }} className={buttonClass("primary")}>
      <Plus aria-hidden="true" />
      New schedule
    </Link>
  );
}
