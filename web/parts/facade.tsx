import type { ReactNode } from "react";
import type { SiteState } from "#contract/site.ts";
import { facadeOf } from "./facade-shape.ts";

const roofs: readonly string[] = ["M6 17 20 7l14 10", "M6 15h28", "M6 17 13 9v8l7-8v8l7-8v8h7", "M6 17q14-16 28 0"];

/** A little house front for every site, always the same for the same name. Its windows are lit while the site is up. */
export function Facade({ name, state, className = "size-11" }: { readonly name: string; readonly state: SiteState; readonly className?: string }): ReactNode {
  const { wall, wallDark, roof, door, isLit } = facadeOf(name, state);
  const light = isLit ? "#ffd873" : "rgb(0 0 0 / 0.35)";
  return (
    <svg viewBox="0 0 40 40" className={className} aria-hidden="true">
      <rect width="40" height="40" rx="10" fill={isLit ? wall : wallDark} fillOpacity="0.2" />
      <g opacity={isLit ? 1 : 0.62}>
        <path d={`${roofs[roof]}V34H6Z`} fill={wall} stroke={wall} strokeWidth="2" strokeLinejoin="round" />
        <rect x="11" y="20" width="5" height="5" rx="1" fill={light} />
        <rect x="24" y="20" width="5" height="5" rx="1" fill={light} />
        <rect x={door} y="27" width="5.5" height="7" rx="1" fill={isLit ? "#fff4d6" : "rgb(0 0 0 / 0.35)"} />
      </g>
      {(state === "asleep" || state === "frozen") && <path d="M33.5 9.6A4.6 4.6 0 1 1 28.4 4a3.6 3.6 0 0 0 5.1 5.6Z" fill="#f2c14e" />}
    </svg>
  );
}
