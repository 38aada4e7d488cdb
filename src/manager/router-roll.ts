import type { NodeBeat } from "#core/nodes/node.ts";

/** What a router says of itself when it begins to follow the route feed. */
interface RouterWords {
  readonly id?: string | undefined;
  readonly host: string;
  readonly version: string;
}

/** The routers whose feed is open here: as long as it is, their heartbeat goes on. */
export class RouterRoll {
  readonly #present = new Map<string, { readonly beat: NodeBeat; streams: number }>();

  /** One has come, until the signal is aborted. */
  follow({ id, host, version }: RouterWords, signal: AbortSignal): void {
    if (id === undefined) return;
    const known = this.#present.get(id) ?? { beat: { id, kind: "router", host, url: null, version, report: null }, streams: 0 };
    known.streams += 1;
    this.#present.set(id, known);
    const leave = (): void => {
      known.streams -= 1;
      if (known.streams === 0) this.#present.delete(id);
    };
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
  }

  beats(): readonly NodeBeat[] {
    return [...this.#present.values()].map(({ beat }) => beat);
  }
}
