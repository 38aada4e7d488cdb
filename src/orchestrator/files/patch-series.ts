import { LRUCache } from "lru-cache";
import type { GrantClaims } from "#contract/grant.ts";
import type { Keep } from "#kit/jail/keep-present.ts";
import { authorOf, type NoteDeed } from "../deeds/doer.ts";
import type { Histories } from "../history/histories.ts";

/** As long as nothing comes for this long, the next piece begins a new series. */
const pauseMs = 5 * 60 * 1000;

/** Pieces that one person writes into a file in place, one after another: together they are one save, and one deed. */
export class PatchSeries {
  readonly #seen = new LRUCache<string, true>({ max: 10_000, ttl: pauseMs, updateAgeOnGet: true });

  /** Whether this piece is the first of its series; every further one is not. */
  begins(siteId: number, path: readonly string[], who: unknown): boolean {
    const key = JSON.stringify([siteId, path, who]);
    if (this.#seen.get(key) === true) return false;
    this.#seen.set(key, true);
    return true;
  }
}

/** What keeps the file before the first piece of a series, and says afterwards that it was overwritten; the pieces after it are quiet. */
export interface SeriesKeeper {
  readonly keep: Keep;
  note(): Promise<void>;
  /** The file was made by this piece: what follows belongs to it. */
  made(path: readonly string[]): void;
}

/** The keeper of one piece. */
export function seriesKeeper(
  deps: { readonly series: PatchSeries; readonly history: Histories; readonly note: NoteDeed },
  siteId: number,
  caller: GrantClaims,
): SeriesKeeper {
  const who = [caller.user, caller.by];
  const keep = deps.history.keeper(siteId, { ended: "overwrite", by: authorOf(caller) });
  let changed: string | undefined;
  return {
    keep: async (path, file) => {
      if (!deps.series.begins(siteId, path, who)) return;
      changed = path.join("/");
      await keep(path, file);
    },
    note: async () => {
      if (changed !== undefined) await deps.note(caller, { siteId, action: "files.overwrite", path: changed });
    },
    made: (path) => void deps.series.begins(siteId, path, who),
  };
}
