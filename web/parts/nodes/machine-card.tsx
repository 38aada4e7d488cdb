import { Server } from "lucide-react";
import { type ReactNode, useState } from "react";
import type { NodeView } from "#contract/api/nodes.ts";
import { wordsOf } from "../../app/api.ts";
import { useDrainNode, useForgetNode } from "../../app/data-nodes.ts";
import { bytesText, countText, durationText } from "../../app/formats.ts";
import { notify } from "../../app/notices.ts";
import { Button } from "../button.tsx";
import { ConfirmDialog } from "../confirm-dialog.tsx";
import { Meter } from "../meter.tsx";
import { TimeAgo } from "../time-ago.tsx";
import { NodePill } from "./node-pill.tsx";

/** A machine that sites run on: how it is, what it holds, and whether it takes more. */
export function MachineCard({ node, isAlone }: { readonly node: NodeView; readonly isAlone: boolean }): ReactNode {
  return (
    <li className="card p-4 sm:p-6">
      <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
        <div className="flex min-w-0 items-start gap-3">
          <Server className="mt-1 size-5 shrink-0 text-soft" aria-hidden="true" />
          <div className="min-w-0">
            <h2 className="font-semibold text-lg [overflow-wrap:anywhere]">{node.host}</h2>
            <p className="text-soft text-sm [overflow-wrap:anywhere]">{node.url ?? "no address any more"}</p>
          </div>
        </div>
        <NodePill state={node.state} />
      </div>
      <p className="mt-3 text-soft">{node.explanation}</p>
      {node.report !== null && <Load node={node} report={node.report} isStale={node.state === "lost"} />}
      <div className="mt-5 flex flex-wrap items-center justify-between gap-3">
        <p className="text-soft text-sm">
          Version {node.version} · heard of <TimeAgo at={node.lastSeenAt} />
        </p>
        <MachineAction node={node} isAlone={isAlone} />
      </div>
    </li>
  );
}

function Load({ node, report, isStale }: { readonly node: NodeView; readonly report: NonNullable<NodeView["report"]>; readonly isStale: boolean }): ReactNode {
  const [load] = report.loadAverage;
  const usedMemory = report.memoryBytes - report.freeMemoryBytes;
  const facts: readonly (readonly [string, string])[] = [
    ["Sites", isStale ? countText(node.sites, "site") : `${node.sites} (${report.running} running, ${report.frozen} frozen)`],
    ["Runtime", report.runtime],
    ["Up for", isStale ? "–" : durationText(Date.now() - Date.parse(report.startedAt))],
    ["Free disk", bytesText(report.freeDiskBytes)],
    ["Files", report.sharesFiles ? "shared with others" : "on this machine only"],
  ];
  return (
    <>
      {!isStale && (
        <div className="mt-4 grid gap-4 sm:grid-cols-2">
          <Meter label="Load" used={load} limit={report.cores} text={`${load.toFixed(2)} on ${countText(report.cores, "core")}`} />
          <Meter label="Memory" used={usedMemory} limit={report.memoryBytes} text={`${bytesText(usedMemory)} of ${bytesText(report.memoryBytes)}`} />
        </div>
      )}
      <dl className="mt-4 grid grid-cols-2 gap-x-4 gap-y-3 sm:grid-cols-3">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt className="text-soft text-sm">{name}</dt>
            <dd className="font-medium">{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function MachineAction({ node, isAlone }: { readonly node: NodeView; readonly isAlone: boolean }): ReactNode {
  const drain = useDrainNode();
  const forget = useForgetNode();
  const [isAsking, setAsking] = useState(false);
  const apply = (drained: boolean): void =>
    drain.mutate(
      { id: node.id, drained },
      {
        onSuccess: () => {
          setAsking(false);
          notify({ tone: "good", text: drained ? `${node.host} is being drained` : `${node.host} takes sites again` });
        },
        onError: (error) => !drained && notify({ tone: "bad", text: wordsOf(error) }),
      },
    );
  if (node.state === "lost" && node.sites === 0) {
    const say = (error: unknown): void => notify({ tone: "bad", text: wordsOf(error) });
    return (
      <Button
        aria-label={`Forget this machine: ${node.host}`}
        onClick={() => forget.mutate(node.id, { onError: say })}
        busy={forget.isPending && "Forgetting…"}
      >
        Forget this machine
      </Button>
    );
  }
  if (node.isDrained) {
    return (
      <Button aria-label={`Let it take sites again: ${node.host}`} onClick={() => apply(false)} busy={drain.isPending && "Working…"}>
        Let it take sites again
      </Button>
    );
  }
  const giveAway = node.report?.sharesFiles === true && !isAlone;
  return (
    <>
      <Button onClick={() => setAsking(true)} aria-label={`Drain ${node.host}`}>
        Drain
      </Button>
      <ConfirmDialog
        isOpen={isAsking}
        onClose={() => {
          drain.reset();
          setAsking(false);
        }}
        title={`Drain ${node.host}?`}
        confirmLabel="Drain"
        busyLabel="Draining…"
        isBusy={drain.isPending}
        error={drain.error}
        isDangerous={false}
        onConfirm={() => apply(true)}
      >
        <p>
          {!isAlone && "It takes no new sites. "}
          {giveAway
            ? `${countText(node.sites, "site")} move to other machines one after the other, and visitors notice nothing.`
            : "The sites that it holds stay, since no other machine has their files."}
          {isAlone && " There is no other machine: new sites are made here all the same."}
        </p>
      </ConfirmDialog>
    </>
  );
}
