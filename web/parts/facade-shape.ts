import type { SiteState } from "#contract/site.ts";

export interface FacadeShape {
  readonly wall: string;
  readonly wallDark: string;
  /** Which of the four roofs. */
  readonly roof: 0 | 1 | 2 | 3;
  /** Left edge of the door. */
  readonly door: number;
  readonly isLit: boolean;
}

const walls = ["#2f8f7f", "#b5673f", "#5a72b8", "#8a6db0", "#4d8a4a", "#b0566e", "#3c87a8", "#8c7a3d"] as const;
const lit: readonly SiteState[] = ["running", "starting", "stopping"];

/** What a site's little house front looks like: its form follows from the name, its light from the state. */
export function facadeOf(name: string, state: SiteState): FacadeShape {
  let hash = 2166136261;
  for (const char of name) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16777619) >>> 0;
  const wall = walls[hash % walls.length] ?? walls[0];
  const roof = ((hash >>> 8) % 4) as FacadeShape["roof"];
  return { wall, wallDark: "#77817c", roof, door: 12 + ((hash >>> 16) % 3) * 5, isLit: lit.includes(state) };
}
