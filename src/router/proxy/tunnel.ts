import type { Duplex } from "node:stream";

/** Two sides that speak to each other through the router. */
export interface TunnelEnds {
  readonly visitor: Duplex;
  readonly site: Duplex;
  /** Something went either way. */
  readonly onActivity: () => void;
  /** Both sides are closed. */
  readonly onClosed: () => void;
  /** Without a byte either way for so long the tunnel ends. */
  readonly idleMs: number;
}

/** How long one side may take to end after the other has. */
const lingerMs = 2000;

/** Joins the two sides with back-pressure; when one ends, what it sent still arrives, then the other ends too. */
export function joinTunnel(ends: TunnelEnds): void {
  const { visitor, site } = ends;
  let open = 2;
  const idle = setTimeout(() => {
    visitor.destroy();
    site.destroy();
  }, ends.idleMs);
  idle.unref();
  const moved = (): void => {
    idle.refresh();
    ends.onActivity();
  };
  for (const [from, to] of [
    [visitor, site],
    [site, visitor],
  ] as const) {
    from.on("data", moved);
    from.pipe(to);
    // The reason does not matter: a broken side is a closed side.
    from.on("error", () => to.destroy());
    from.on("close", () => {
      // `pipe` has passed on a regular end already; a side that does not end with the other must not hang for ever.
      if (from.readableEnded && !to.destroyed) setTimeout(() => to.destroy(), lingerMs).unref();
      else to.destroy();
      open -= 1;
      if (open > 0) return;
      clearTimeout(idle);
      ends.onClosed();
    });
  }
}
