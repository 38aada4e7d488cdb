import { Ban, CircleCheck, EyeOff, LoaderCircle, Moon, Pause, Square, TriangleAlert } from "lucide-react";
import type { ComponentType, ReactNode } from "react";
import type { SiteKind, SiteState } from "#contract/site.ts";
import { isPassing, stateWords, type Tone } from "../app/state-words.ts";
import { cx } from "./class-names.ts";

const icons: Readonly<Record<SiteState, ComponentType<{ className?: string }>>> = {
  starting: LoaderCircle,
  running: CircleCheck,
  frozen: Pause,
  asleep: Moon,
  stopping: LoaderCircle,
  stopped: Square,
  crashed: TriangleAlert,
  "not-served": EyeOff,
  disabled: Ban,
};

/** Background and text of a pill, by tone. */
export const toneClass: Readonly<Record<Tone, string>> = {
  good: "bg-good-tint text-good",
  warn: "bg-warn-tint text-warn",
  bad: "bg-bad-tint text-bad",
  night: "bg-night-tint text-night",
  sky: "bg-sky-tint text-sky",
  off: "bg-sunken text-soft",
};

/** The same tones for text alone. */
export const toneText: Readonly<Record<Tone, string>> = {
  good: "text-good",
  warn: "text-warn",
  bad: "text-bad",
  night: "text-night",
  sky: "text-sky",
  off: "text-soft",
};

/** A site's state as word, symbol and colour: never by colour alone. */
export function StatePill({ state, kind }: { readonly state: SiteState; readonly kind: SiteKind }): ReactNode {
  const { label, tone } = stateWords(state, kind);
  const Icon = icons[state];
  return (
    <span className={cx("inline-flex items-center gap-1.5 whitespace-nowrap rounded-full py-1 pr-3 pl-2 text-sm font-medium", toneClass[tone])}>
      <Icon className={cx("size-4", isPassing(state) && "animate-spin")} aria-hidden="true" />
      {label}
    </span>
  );
}
