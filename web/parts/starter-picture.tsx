import type { ReactNode } from "react";

const line = { fill: "none", stroke: "var(--accent)", strokeWidth: 2.5, strokeLinecap: "round", strokeLinejoin: "round" } as const;

/** A small picture of what a starter builds: every set stands on the same ground. */
export function StarterPicture({ starter }: { readonly starter: string | null }): ReactNode {
  return (
    <span className="block h-20 overflow-hidden rounded-lg bg-tint">
      <svg viewBox="0 0 120 72" className="size-full overflow-visible" aria-hidden="true">
        {drawing(starter)}
        <path d="M-200 64h520" stroke="var(--accent)" strokeWidth="2.5" />
      </svg>
    </span>
  );
}

function drawing(starter: string | null): ReactNode {
  if (starter === null) return <Vacant />;
  if (starter.startsWith("static")) return <Poster />;
  if (starter.startsWith("node")) return <Workshop />;
  if (starter.startsWith("python")) return <Glasshouse />;
  return <House />;
}

function Poster(): ReactNode {
  return (
    <g {...line}>
      <rect x="34" y="12" width="52" height="38" rx="3" fill="var(--surface)" />
      <path d="M42 22h22M42 30h36M42 38h28" />
      <rect x="70" y="18" width="9" height="8" rx="1.5" fill="var(--lamp)" stroke="none" />
      <path d="M44 50v14M76 50v14M76 54l16 10" />
    </g>
  );
}

function Workshop(): ReactNode {
  return (
    <g {...line}>
      <path d="M26 64V34l17-9v9l17-9v9l17-9v39" fill="var(--surface)" />
      <path d="M77 64V14h10v50" fill="var(--surface)" />
      <path d="M82 8q5-4 10 0t10 0" />
      <rect x="34" y="42" width="8" height="8" fill="var(--lamp)" stroke="none" />
      <rect x="48" y="42" width="8" height="8" fill="var(--lamp)" stroke="none" />
      <rect x="62" y="48" width="9" height="16" rx="1.5" />
    </g>
  );
}

function Glasshouse(): ReactNode {
  return (
    <g {...line}>
      <path d="M28 64V40q32-34 64 0v24" fill="var(--surface)" />
      <path d="M60 23v41M44 28v36M76 28v36M28 46h64" strokeWidth="1.6" />
      <path d="M52 64q-2-12 8-16 8 4 6 16" fill="var(--lamp)" stroke="none" />
    </g>
  );
}

function House(): ReactNode {
  return (
    <g {...line}>
      <path d="M36 64V34l24-18 24 18v30" fill="var(--surface)" />
      <rect x="52" y="46" width="14" height="18" rx="2" fill="var(--lamp)" stroke="none" />
    </g>
  );
}

function Vacant(): ReactNode {
  return (
    <g {...line}>
      <path d="M22 64V54m76 10V54M22 58h76" strokeDasharray="1 7" />
      <path d="M60 64V40" />
      <rect x="42" y="20" width="36" height="22" rx="3" fill="var(--surface)" />
      <path d="M60 26v10m-5-5h10" />
    </g>
  );
}
