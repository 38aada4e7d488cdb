import type { ReactNode } from "react";
import { cx } from "./class-names.ts";

export function Skeleton({ className }: { readonly className?: string }): ReactNode {
  return <span aria-hidden="true" className={cx("block animate-pulse-soft rounded-md bg-line", className)} />;
}

/** The place of something that is on its way, with words for those who cannot see it. */
export function Loading({ label, children }: { readonly label: string; readonly children: ReactNode }): ReactNode {
  return (
    <div role="status" aria-busy="true">
      <span className="sr-only">{label}</span>
      {children}
    </div>
  );
}
