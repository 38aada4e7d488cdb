import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { CalendarClock, Play } from "lucide-react";
import { type ReactNode, useState } from "react";
import { may, useSite } from "../../app/data-sites.ts";
import { useTasks } from "../../app/data-tasks.ts";
import { statesOfView, type TaskViewName } from "../../app/task-views.ts";
import { Button, buttonClass } from "../../parts/button.tsx";
import { EmptyLot } from "../../parts/empty-lot.tsx";
import { RunForm } from "../../parts/tasks/run-form.tsx";
import { TaskFilterBar } from "../../parts/tasks/task-filter-bar.tsx";
import { TaskList } from "../../parts/tasks/task-list.tsx";

/** What was run inside a site, and the form to run more. */
export function SiteTasksPage(): ReactNode {
  const { name } = useParams({ from: "/app/sites/$name/tasks" });
  const site = useSite(name).data;
  const [filter, setFilter] = useState<{ readonly search: string; readonly view: TaskViewName }>({ search: "", view: "all" });
  const [isRunning, setRunning] = useState(false);
  const states = statesOfView(filter.view);
  const query = useTasks({ site: name, ...(filter.search === "" ? {} : { search: filter.search }), ...(states === null ? {} : { state: states }) });
  const navigate = useNavigate();
  const isFiltered = filter.search !== "" || filter.view !== "all";
  return (
    <>
      {may(site, "site.tasks") && (
        <div className="mb-4 flex flex-wrap gap-2">
          <Button variant={isRunning ? "plain" : "primary"} aria-expanded={isRunning} onClick={() => setRunning(!isRunning)}>
            {!isRunning && <Play aria-hidden="true" />}
            {isRunning ? "Close the form" : "Run a script"}
          </Button>
          <Link to="/schedules" search={{ site: name }} className={buttonClass()}>
            <CalendarClock aria-hidden="true" />
            Schedules
          </Link>
        </div>
      )}
      {isRunning && (
        <div className="mb-8">
          <RunForm site={name} onCreated={({ uid }) => void navigate({ to: "/tasks/$uid", params: { uid } })} />
        </div>
      )}
      <TaskFilterBar search={filter.search} view={filter.view} onChange={(search, view) => setFilter({ search, view })} />
      <TaskList query={query} isOfOneSite empty={<NoTasks isFiltered={isFiltered} />} />
    </>
  );
}

function NoTasks({ isFiltered }: { readonly isFiltered: boolean }): ReactNode {
  return (
    <EmptyLot title={isFiltered ? "No task matches" : "Nothing has been run here yet"}>
      <p className="mt-1 max-w-md text-soft">
        {isFiltered
          ? "Try fewer letters, or look at all of them."
          : "Scripts in the folder private/scripts run with the site's files and variables, without waking its program."}
      </p>
    </EmptyLot>
  );
}
