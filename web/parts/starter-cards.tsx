import { CircleCheck } from "lucide-react";
import { RadioGroup } from "radix-ui";
import type { ReactNode } from "react";
import type { SiteKind } from "#contract/site.ts";
import type { System } from "../app/data-system.ts";
import { cx } from "./class-names.ts";
import { StarterPicture } from "./starter-picture.tsx";

export interface Choice {
  /** null: an empty site. */
  readonly starter: string | null;
  readonly kind: SiteKind;
}

interface Card extends Choice {
  readonly title: string;
  readonly description: string;
  /** Why it cannot be chosen; null when it can. */
  readonly obstacle: string | null;
}

/** Every starter, and empty sites of both kinds. */
export function cardsOf(system: System): readonly Card[] {
  const noPrograms = system.maySitesRun
    ? null
    : `Programs cannot run here: this machine lacks ${system.isolation.missing.join(", ") || "isolation"}. Ask an administrator.`;
  const starters = system.starters.map((starter): Card => {
    const lacks = starter.missing.length > 0 ? `Needs ${starter.missing.join(" and ")}, which is not installed on this machine.` : null;
    return {
      starter: starter.name,
      kind: starter.kind,
      title: starter.title,
      description: starter.description,
      obstacle: lacks ?? (starter.kind === "dynamic" ? noPrograms : null),
    };
  });
  // The simplest first: pages before programs.
  return [
    ...starters.filter(({ kind }) => kind === "static"),
    ...starters.filter(({ kind }) => kind === "dynamic"),
    { starter: null, kind: "static", title: "Empty static site", description: "Bring your own pages; put them in public/.", obstacle: null },
    { starter: null, kind: "dynamic", title: "Empty dynamic site", description: "Bring your own program and a run.sh that starts it.", obstacle: noPrograms },
  ];
}

const keyOf = ({ starter, kind }: Choice): string => `${kind}:${starter ?? ""}`;

interface CardsProps {
  readonly system: System;
  readonly value: Choice | null;
  readonly onChoose: (choice: Choice) => void;
}

export function StarterCards({ system, value, onChoose }: CardsProps): ReactNode {
  const cards = cardsOf(system);
  const choose = (key: string): void => {
    const card = cards.find((each) => keyOf(each) === key);
    if (card !== undefined) onChoose({ starter: card.starter, kind: card.kind });
  };
  return (
    <>
      {!system.isOrchestratorThere && (
        <p className="mb-3 text-sm text-warn">Backlot is still starting one of its parts, so starters are not there yet. Reload the page in a moment.</p>
      )}
      <RadioGroup.Root
        aria-label="Start from"
        value={value === null ? "" : keyOf(value)}
        onValueChange={choose}
        className="grid grid-cols-1 gap-3 min-[480px]:grid-cols-2 sm:grid-cols-3"
      >
        {cards.map((card) => (
          <StarterCard key={keyOf(card)} card={card} />
        ))}
      </RadioGroup.Root>
    </>
  );
}

function StarterCard({ card }: { readonly card: Card }): ReactNode {
  const isOff = card.obstacle !== null;
  return (
    <RadioGroup.Item
      value={keyOf(card)}
      disabled={isOff}
      className={cx(
        "group relative flex flex-row items-start gap-3 rounded-xl border p-3 text-left transition-colors min-[480px]:flex-col",
        isOff
          ? "border-line border-dashed bg-sunken"
          : "border-edge/60 hover:border-accent data-[state=checked]:border-accent data-[state=checked]:bg-tint data-[state=checked]:shadow-[inset_0_0_0_1px_var(--accent)]",
      )}
    >
      <span className={cx("block w-24 shrink-0 min-[480px]:w-full", isOff && "opacity-45 grayscale")}>
        <StarterPicture starter={card.starter} />
      </span>
      <span className="min-w-0">
        <span className={cx("block font-medium", isOff && "text-soft")}>{card.title}</span>
        <span className="block text-sm text-soft">{card.description}</span>
        <span className="mt-1 block font-medium text-soft text-xs">{card.kind === "static" ? "Static" : "Dynamic"}</span>
        {isOff && <span className="mt-1 block font-medium text-sm text-warn">{card.obstacle}</span>}
      </span>
      <RadioGroup.Indicator className="absolute top-2 right-2 rounded-full bg-surface text-accent">
        <CircleCheck className="size-6" aria-hidden="true" />
      </RadioGroup.Indicator>
    </RadioGroup.Item>
  );
}
