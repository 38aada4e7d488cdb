import type { ReactNode } from "react";
import { AwayBanner } from "./away-banner.tsx";
import { Logo } from "./logo.tsx";

/** The page in front of the sign-in: a small form under a street of sets at dusk. */
export function Entrance({ title, lead, children }: { readonly title: string; readonly lead: ReactNode; readonly children: ReactNode }): ReactNode {
  return (
    <div className="flex min-h-dvh flex-col">
      <AwayBanner />
      <main className="mx-auto flex w-full max-w-md flex-1 flex-col justify-center px-4 py-10">
        <title>{`${title} – Backlot`}</title>
        <Logo />
        <div className="card mt-6 overflow-hidden">
          <Street />
          <div className="p-5 sm:p-7">
            <h1 className="text-xl font-semibold">{title}</h1>
            <p className="mt-1 mb-5 text-soft">{lead}</p>
            {children}
          </div>
        </div>
      </main>
    </div>
  );
}

function Street(): ReactNode {
  return (
    <svg viewBox="0 0 420 120" className="block w-full" aria-hidden="true">
      <rect width="420" height="120" fill="#12312c" />
      <circle cx="356" cy="30" r="13" fill="#f2c14e" />
      <circle cx="350" cy="26" r="12" fill="#12312c" />
      <g fill="#f4f1e4" opacity="0.7">
        <circle cx="40" cy="22" r="1.3" />
        <circle cx="128" cy="16" r="1.1" />
        <circle cx="214" cy="28" r="1.3" />
        <circle cx="286" cy="14" r="1.1" />
        <circle cx="396" cy="58" r="1.2" />
      </g>
      <g stroke="#58c9b0" strokeWidth="2.5" strokeLinecap="round" opacity="0.6">
        <path d="M96 62l30 54M206 48l36 68M316 66l26 50" />
      </g>
      <path d="M30 118V64l33-20 33 20v54Z" fill="#2f8f7f" />
      <path d="M132 118V42h74v76Z" fill="#b5673f" />
      <path d="M126 42h86v-8h-86Z" fill="#8f4d2c" />
      <path d="M250 118V66q33-34 66 0v52Z" fill="#5a72b8" />
      <g fill="#ffd873">
        <path d="M42 74h12v12H42zM72 74h12v12H72zM56 96h14v22H56z" />
        <path d="M144 54h12v14h-12zM182 54h12v14h-12zM144 80h12v14h-12zM160 92h18v26h-18z" />
        <path d="M276 92h14v26h-14z" />
      </g>
      <g fill="#0000" stroke="#0d2420" strokeOpacity="0.55" strokeWidth="2">
        <path d="M182 80h12v14h-12z" fill="#0d2420" fillOpacity="0.4" />
        <path d="M264 72h12v12h-12zM290 72h12v12h-12z" fill="#0d2420" fillOpacity="0.4" />
      </g>
      <path d="M0 117h420" stroke="#58c9b0" strokeWidth="4" />
    </svg>
  );
}
