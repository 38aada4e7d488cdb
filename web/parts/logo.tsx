import type { ReactNode } from "react";

/** The mark: a set's front, held up from behind, with a light in the door. */
export function LogoMark({ className = "size-8" }: { readonly className?: string }): ReactNode {
  return (
    <svg viewBox="0 0 32 32" className={className} aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="#0e6b5e" />
      <path d="M7 25V9.5l5.5-3 5.5 3V25" fill="none" stroke="#fff" strokeWidth="2.2" strokeLinejoin="round" />
      <path d="M18 12l7.5 13" stroke="#f2c14e" strokeWidth="2.2" strokeLinecap="round" />
      <path d="M5 25.2h22" stroke="#fff" strokeWidth="2.2" strokeLinecap="round" />
      <rect x="10.6" y="17.6" width="3.8" height="7.4" rx="1.2" fill="#f2c14e" />
    </svg>
  );
}

export function Logo(): ReactNode {
  return (
    <span className="inline-flex items-center gap-2.5">
      <LogoMark />
      <span className="text-lg font-semibold tracking-tight">Backlot</span>
    </span>
  );
}
