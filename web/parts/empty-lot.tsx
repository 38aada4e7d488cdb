import type { ReactNode } from "react";

interface EmptyLotProps {
  readonly title: string;
  /** There is nothing else on the page, which is called by this title. */
  readonly isPage?: boolean;
  readonly children?: ReactNode;
}

/** A place where nothing stands yet, and what to do about it. */
export function EmptyLot({ title, isPage = false, children }: EmptyLotProps): ReactNode {
  return (
    <div className="card flex flex-col items-center px-6 py-12 text-center">
      <svg viewBox="0 0 240 110" className="mb-6 w-56 max-w-full" aria-hidden="true">
        <path d="M10 96h220" stroke="var(--edge)" strokeWidth="3" strokeLinecap="round" />
        <path d="M30 96V60h34v36M64 70l22 26" fill="none" stroke="var(--line)" strokeWidth="3" strokeLinejoin="round" strokeLinecap="round" />
        <path d="M176 96V52l18-12 18 12v44M176 62l-20 34" fill="none" stroke="var(--line)" strokeWidth="3" strokeLinejoin="round" strokeLinecap="round" />
        <path d="M120 96V50" stroke="var(--accent)" strokeWidth="4" strokeLinecap="round" />
        <rect x="88" y="24" width="64" height="34" rx="5" fill="var(--tint)" stroke="var(--accent)" strokeWidth="3" />
        <path d="M112 41h16m-8-8v16" stroke="var(--accent)" strokeWidth="3" strokeLinecap="round" />
        <path d="M20 96q4-9 8 0m112 0q4-12 9 0m-52 0q3-7 6 0m118 0q3-8 7 0" fill="none" stroke="var(--good)" strokeWidth="2.5" strokeLinecap="round" />
      </svg>
      {isPage && <title>{`${title} – Backlot`}</title>}
      {isPage ? <h1 className="font-semibold text-lg">{title}</h1> : <h2 className="font-semibold text-lg">{title}</h2>}
      {children}
    </div>
  );
}
