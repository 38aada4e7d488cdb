import { useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useIsAdministrator } from "../../app/data-session.ts";
import { PageHeading } from "../../parts/heading.tsx";
import { PageProblem } from "../../parts/page-problem.tsx";
import { RunForm } from "../../parts/tasks/run-form.tsx";

/** Runs a script of the installation in its home folder. */
export function RunTaskPage(): ReactNode {
  const navigate = useNavigate();
  const isAdministrator = useIsAdministrator();
  if (!isAdministrator)
    return <PageProblem page="Run a script" title="Only an administrator may run scripts in the home folder. Open one of your sites and its tab Tasks." />;
  return (
    <div className="mx-auto max-w-4xl">
      <PageHeading title="Run a script" lead="In the installation's home folder, once." />
      <RunForm site={null} onCreated={({ uid }) => void navigate({ to: "/tasks/$uid", params: { uid } })} />
    </div>
  );
}
