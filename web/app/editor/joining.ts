/** How a person joins two versions of a file: both joined already, or the own one, which is edited beside the other. */
export interface Joining {
  readonly side: "merged" | "mine";
  readonly mine: Side;
  /** null where the changes touch each other. */
  readonly merged: Side | null;
}

interface Side {
  readonly first: string;
  readonly text: string;
}

export function beginJoining(merged: string | null, mine: string): Joining {
  const side = (text: string): Side => ({ first: text, text });
  return { side: merged === null ? "mine" : "merged", mine: side(mine), merged: merged === null ? null : side(merged) };
}

/** What stands on the side that is shown. */
export function joinedText(joining: Joining): string {
  return sideOf(joining).text;
}

/** The side that is shown was edited. */
export function joinedBy(joining: Joining, text: string): Joining {
  return { ...joining, [joining.side]: { ...sideOf(joining), text } };
}

/** The other side is shown; what was made of this one stays. */
export function turned(joining: Joining): Joining {
  return { ...joining, side: joining.side === "merged" || joining.merged === null ? "mine" : "merged" };
}

/** What was made by hand, the side that is shown first; null when nothing was. */
export function madeByHand(joining: Joining): string | null {
  const sides = [sideOf(joining), sideOf(turned(joining))];
  return sides.find(({ first, text }) => text !== first)?.text ?? null;
}

function sideOf({ side, mine, merged }: Joining): Side {
  return side === "merged" && merged !== null ? merged : mine;
}
