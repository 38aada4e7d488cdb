import type { ReactNode } from "react";
import { cx } from "./class-names.ts";

/** How much of something is used, as a bar and in words. */
export function Meter({
  label,
  used,
  limit,
  text,
}: {
  readonly label: string;
  readonly used: number;
  readonly limit: number;
  readonly text: string;
}): ReactNode {
  const share = limit > 0 ? Math.min(1, used / limit) : 1;
  const percent = Math.round(share * 100);
  const isTight = share >= 0.9;
  return (
    <div>
      <div className="mb-1.5 flex flex-wrap justify-between gap-x-4 text-sm">
        <span className="font-medium">{label}</span>
        <span className={isTight ? "font-medium text-bad" : "text-soft"}>
          {text}
          {isTight && (used > limit ? " – over the limit" : " – almost full")}
        </span>
      </div>
      {/* The element is for screen readers; browsers do not let it be styled alike. */}
      <meter className="sr-only" aria-label={label} aria-valuetext={text} min={0} max={100} value={percent} />
      <div aria-hidden="true" className="h-2.5 overflow-hidden rounded-full bg-line">
        <div className={cx("h-full min-w-1 rounded-full", isTight ? "bg-bad-fill" : "bg-accent")} style={{ width: `${percent}%` }} />
      </div>
    </div>
  );
}
