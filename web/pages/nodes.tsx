import type { ReactNode } from "react";
import type { NodeView } from "#contract/api/nodes.ts";
import { wordsOf } from "../app/api.ts";
import { useNodes } from "../app/data-nodes.ts";
import { useIsAdministrator } from "../app/data-session.ts";
import { EmptyLot } from "../parts/empty-lot.tsx";
import { PageHeading } from "../parts/heading.tsx";
import { MachineCard } from "../parts/nodes/machine-card.tsx";
import { ProcessRow } from "../parts/nodes/process-row.tsx";
import { PageProblem } from "../parts/page-problem.tsx";
import { ProblemBox } from "../parts/problem-box.tsx";
import { Loading, Skeleton } from "../parts/skeleton.tsx";

/** The machines that sites run on, and every other process of the installation. */
export function NodesPage(): ReactNode {
  const isAdministrator = useIsAdministrator();
  const query = useNodes(isAdministrator);
  if (!isAdministrator) return <PageProblem page="Nodes" title="Only an administrator may see the machines. Ask one of them." />;
  return (
    <div className="mx-auto max-w-4xl">
      <PageHeading title="Nodes" lead="The machines that sites run on, and every process that reported lately." />
      {query.error !== null && (
        <div className="mb-4">
          <ProblemBox title={wordsOf(query.error)} retry={() => void query.refetch()} />
        </div>
      )}
      {query.data === undefined && query.error === null && (
        <Loading label="The machines are loading">
          <Skeleton className="h-56 w-full rounded-xl" />
        </Loading>
      )}
      {query.data !== undefined && <Nodes nodes={query.data} />}
    </div>
  );
}

function Nodes({ nodes }: { readonly nodes: readonly NodeView[] }): ReactNode {
  const machines = nodes.filter(({ kind }) => kind === "orchestrator");
  const others = nodes.filter(({ kind }) => kind !== "orchestrator");
  return (
    <>
      {machines.length === 0 ? (
        <EmptyLot title="No machine has reported yet">
          <p className="mt-1 max-w-md text-soft">An orchestrator reports within seconds of its start. Look at its log, and at BACKLOT_ORCHESTRATOR_URLS.</p>
        </EmptyLot>
      ) : (
        <ul className="grid gap-4" aria-label="Machines">
          {machines.map((node) => (
            <MachineCard key={node.id} node={node} isAlone={machines.length === 1} />
          ))}
        </ul>
      )}
      {others.length > 0 && (
        <section className="mt-8">
          <h2 className="mb-3 text-lg font-semibold">Other processes</h2>
          <ul className="card divide-y divide-line">
            {others.map((node) => (
              <ProcessRow key={node.id} node={node} />
            ))}
          </ul>
        </section>
      )}
    </>
  );
}
