import type { ReactNode } from "react";
import type { NodeKind, NodeView } from "#contract/api/nodes.ts";
import { TimeAgo } from "../time-ago.tsx";
import { NodePill } from "./node-pill.tsx";

const kinds: Readonly<Record<NodeKind, string>> = { orchestrator: "Orchestrator", router: "Router", manager: "Manager", worker: "Worker" };

/** A process that holds no sites. */
export function ProcessRow({ node }: { readonly node: NodeView }): ReactNode {
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-3">
      <div className="min-w-0 flex-1 basis-48">
        <p className="font-medium [overflow-wrap:anywhere]">
          {kinds[node.kind]} <span className="font-normal text-soft">on {node.host}</span>
        </p>
        <p className="text-soft text-sm">
          Version {node.version} · heard of <TimeAgo at={node.lastSeenAt} />
        </p>
      </div>
      <NodePill state={node.state} />
    </li>
  );
}
