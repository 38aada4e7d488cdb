import type { ScriptView } from "#contract/task.ts";
import type { Clock } from "#kit/clock.ts";
import type { ScriptList, ScriptShelf } from "./script-shelf.ts";

/** How long a list is believed, in milliseconds: a burst of tasks must not read the folder once for each. */
const freshMs = 1_000;
/** Lists kept at most; beyond it all are forgotten, since each lives but a second. */
const maxLists = 1_000;

interface KeptList {
  readonly list: Promise<ScriptList>;
  readonly askedAt: number;
}

/** The scripts of every place, asked for at most once a second. */
export class CachedScriptShelf implements ScriptShelf {
  readonly #read: (siteId: number | null) => Promise<ScriptList>;
  readonly #clock: Clock;
  readonly #kept = new Map<number | null, KeptList>();

  constructor(read: (siteId: number | null) => Promise<ScriptList>, clock: Clock) {
    this.#read = read;
    this.#clock = clock;
  }

  list(siteId: number | null): Promise<ScriptList> {
    const kept = this.#kept.get(siteId);
    return kept !== undefined && this.#clock.now() - kept.askedAt < freshMs ? kept.list : this.#ask(siteId);
  }

  async find(siteId: number | null, path: string): Promise<ScriptView | null> {
    const before = this.#kept.get(siteId);
    const found = named(await this.list(siteId), path);
    const isNew = this.#kept.get(siteId) !== before;
    // Put there within the last second, perhaps: only a list that was asked for after the question says that it is not there.
    return found !== null || isNew ? found : named(await this.#ask(siteId), path);
  }

  #ask(siteId: number | null): Promise<ScriptList> {
    if (this.#kept.size >= maxLists) this.#kept.clear();
    const kept = { list: this.#read(siteId), askedAt: this.#clock.now() };
    this.#kept.set(siteId, kept);
    kept.list.catch(() => {
      // What failed is asked for again by whoever comes next.
      if (this.#kept.get(siteId) === kept) this.#kept.delete(siteId);
    });
    return kept.list;
  }
}

function named(list: ScriptList, path: string): ScriptView | null {
  return list.scripts.find((script) => script.path === path) ?? null;
}
