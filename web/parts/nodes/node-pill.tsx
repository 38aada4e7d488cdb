import { CircleCheck, HeartCrack, LogOut, TriangleAlert, Wrench } from "lucide-react";
import type { ComponentType, ReactNode } from "react";
import type { NodeState } from "#contract/api/nodes.ts";
import type { Tone } from "../../app/state-words.ts";
import { cx } from "../class-names.ts";
import { toneClass } from "../state-pill.tsx";

const looks: Readonly<Record<NodeState, { readonly label: string; readonly tone: Tone; readonly Icon: ComponentType<{ className?: string }> }>> = {
  up: { label: "Up", tone: "good", Icon: CircleCheck },
  unhealthy: { label: "Unhealthy", tone: "bad", Icon: HeartCrack },
  lost: { label: "Lost", tone: "bad", Icon: TriangleAlert },
  draining: { label: "Draining", tone: "warn", Icon: LogOut },
  drained: { label: "Drained", tone: "off", Icon: Wrench },
};

/** How a node is, as word, symbol and colour. */
export function NodePill({ state }: { readonly state: NodeState }): ReactNode {
  const { label, tone, Icon } = looks[state];
  return (
    <span className={cx("inline-flex items-center gap-1.5 whitespace-nowrap rounded-full py-1 pr-3 pl-2 font-medium text-sm", toneClass[tone])}>
      <Icon className="size-4" aria-hidden="true" />
      {label}
    </span>
  );
}
